"""HTML: the fragments that notebooks show and the template that nbconvert exports them with."""
