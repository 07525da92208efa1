"""The networks: grasp success, generator, discriminators, and what joins two domains in one."""
