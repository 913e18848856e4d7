"""Published support processes as policies, parametrised by what an organisation would change.

Each function returns a `Policy`, cites its source, and is told with its diagram and a worked case in the documentation.
"""

from escalation_rules.presets.chains import vendor_chain
from escalation_rules.presets.complaints import complaint_ladder
from escalation_rules.presets.regions import regional_escalation
from escalation_rules.presets.requests import support_request
from escalation_rules.presets.squares import magic_square
from escalation_rules.presets.utilities import escalation_utility

__all__ = [
    "complaint_ladder",
    "escalation_utility",
    "magic_square",
    "regional_escalation",
    "support_request",
    "vendor_chain",
]
