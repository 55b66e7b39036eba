package files

import "image"

// What tests may touch of the inside.

func Resize(src image.Image, w, h int) *image.RGBA { return resize(src, w, h) }

func Sniff(head []byte, name string, accept []string) string { return sniff(head, name, accept) }

func CleanName(name string) string { return cleanName(name) }

func Shown(o, x, y, w, h int) image.Point { return orientation(o).shown(x, y, w, h) }

func TIFFOrientation(b []byte) int { return int(tiffOrientation(b)) }

const PixelsMax = pixelsMax
