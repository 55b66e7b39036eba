package trace

import "context"

type contextKey struct{}

// journeyContext carries a journey and the turn at which it was handed out, so that a context that outlives its request
// leads nowhere, and not into the journey of another one.
type journeyContext struct {
	context.Context

	j    *Journey
	turn uint32
}

// Value finds the journey, or asks the parent.
func (c *journeyContext) Value(key any) any {
	if _, ok := key.(contextKey); ok {
		return c
	}
	return c.Context.Value(key)
}

// With returns a context that carries the journey.
func With(ctx context.Context, j *Journey) context.Context {
	if j == nil {
		return ctx
	}
	return &journeyContext{Context: ctx, j: j, turn: j.turn.Load()}
}

// From returns the journey of a context, or nil where there is none or it has ended and is in use again.
func From(ctx context.Context) *Journey {
	c, _ := ctx.Value(contextKey{}).(*journeyContext)
	if c == nil || c.j.turn.Load() != c.turn {
		return nil
	}
	return c.j
}
