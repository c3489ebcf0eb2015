"""Teaching the box one console screen: the draft, what changes it, where it lies, and its proof."""
