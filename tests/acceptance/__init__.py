"""The contract, rule by rule, from outside: what a stranger would try who has read the rules and not the code."""
