"""Invite people, take an invitation back, accept one."""
