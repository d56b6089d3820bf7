"""What comes after the mask: objects measured, one by one."""
