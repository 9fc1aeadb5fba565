"""Commands that make the pictures and schemas of the pages, and run the tests of other projects."""
