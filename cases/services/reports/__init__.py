"""Reports: what processors say, by callback or when asked."""
