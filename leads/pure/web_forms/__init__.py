"""Forms on the web: what they ask, how answers are read, and how page views make sessions."""
