"""Make the pictures and schemas of the pages again, and run the tests of other projects."""
