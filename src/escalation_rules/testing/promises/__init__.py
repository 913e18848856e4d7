"""The promises of `policy_suite`, by what they are about: clocks, decisions, moves."""
