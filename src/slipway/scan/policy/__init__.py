"""What is asked of an image: rules, waivers, statements of those who looked, and the verdict."""
