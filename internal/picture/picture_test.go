package picture_test

import (
	"bytes"
	"image/jpeg"
	"testing"

	"github.com/roundtrip-dev/roundtrip/internal/picture"
)

func TestPicture_SameSeedSameBytes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(picture.Scenes) {
		if !bytes.Equal(picture.JPEG(seed, 120, 150), picture.JPEG(seed, 120, 150)) {
			t.Errorf("seed %d gave two pictures", seed)
		}
		if bytes.Equal(picture.JPEG(seed, 120, 150), picture.JPEG(seed+picture.Scenes, 120, 150)) {
			t.Errorf("seeds %d and %d gave the same picture", seed, seed+picture.Scenes)
		}
	}
	if !bytes.Equal(picture.Avatar(7, 64), picture.Avatar(7, 64)) {
		t.Error("one seed gave two portraits")
	}
}

func TestPicture_HasTheSizeThatWasAsked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ w, h, wantW, wantH int }{
		{300, 200, 300, 200},
		{200, 300, 200, 300},
		{101, 101, 101, 101},
		{16, 400, 16, 400},
		{400, 16, 400, 16},
		{0, -5, picture.SideMin, picture.SideMin},
	} {
		for seed := range uint64(2 * picture.Scenes) {
			m, err := jpeg.Decode(bytes.NewReader(picture.JPEG(seed, c.w, c.h)))
			if err != nil {
				t.Fatalf("seed %d at %d × %d: %v", seed, c.w, c.h, err)
			}
			if got := m.Bounds().Size(); got.X != c.wantW || got.Y != c.wantH {
				t.Errorf("seed %d at %d × %d has %v", seed, c.w, c.h, got)
			}
		}
	}
}

func TestPicture_NoSideIsLongerThanTheBound(t *testing.T) {
	t.Parallel()
	m := picture.Paint(2, 1<<30, 16)
	if got := m.Bounds().Dx(); got != picture.SideMax {
		t.Errorf("it is %d pixels wide", got)
	}
	if got := picture.Portrait(1, 1).Bounds().Dx(); got != picture.SideMin {
		t.Errorf("the portrait is %d pixels wide", got)
	}
}

func TestPicture_IsNotOneColour(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3 * picture.Scenes) {
		m := picture.Paint(seed, 160, 200)
		seen := map[[3]uint8]bool{}
		for i := 0; i < len(m.Pix); i += 4 {
			seen[[3]uint8{m.Pix[i] / 16, m.Pix[i+1] / 16, m.Pix[i+2] / 16}] = true
		}
		if len(seen) < 24 {
			t.Errorf("seed %d has %d shades", seed, len(seen))
		}
	}
}

func BenchmarkPicture(b *testing.B) {
	for i := range b.N {
		b.SetBytes(int64(len(picture.JPEG(uint64(i), 1080, 1350))))
	}
}
