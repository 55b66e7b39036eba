package handler_test

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip/handler"
)

func TestHandler_NewWantsAllItsParts(t *testing.T) {
	t.Parallel()
	if _, err := handler.New(handler.Options{}); err == nil {
		t.Error("a core without parts was made")
	}
}
