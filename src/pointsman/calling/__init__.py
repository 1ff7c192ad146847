"""Call: walk the plan until a deployment answers, then follow its reply to the end."""
