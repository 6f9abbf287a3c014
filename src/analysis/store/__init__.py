"""The store of accepted figures: what came in, from where, when, why; and every state it had."""
