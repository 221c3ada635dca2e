"""Papers: what a week, a month or an episode was like, as page, PDF and picture from one template each."""
