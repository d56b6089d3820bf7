"""The Proofread dock: objects corrected one by one."""
