"""Ad-hoc questions: each answer is a tidy frame with names beside ids; see `analysis.Study`."""
