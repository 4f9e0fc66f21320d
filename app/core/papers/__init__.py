"""Papers: what is printed or sent on, as headed sections of sentences and tables, set as PDF or as a Word document."""
