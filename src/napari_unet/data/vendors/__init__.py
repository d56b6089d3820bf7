"""What microscopes and programs write into their files of the size of pixels."""
