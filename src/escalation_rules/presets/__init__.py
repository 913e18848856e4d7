"""Published support processes as policies, parametrised by what an organisation would change.

Each function returns a `Policy`, cites its source, and is told with its diagram and a worked case in the documentation.
"""

from escalation_rules.presets.complaint_ladder import complaint_ladder
from escalation_rules.presets.escalation_utility import escalation_utility
from escalation_rules.presets.magic_square import magic_square
from escalation_rules.presets.regional_escalation import regional_escalation
from escalation_rules.presets.support_request import support_request
from escalation_rules.presets.vendor_chain import vendor_chain

__all__ = [
    "complaint_ladder",
    "escalation_utility",
    "magic_square",
    "regional_escalation",
    "support_request",
    "vendor_chain",
]
