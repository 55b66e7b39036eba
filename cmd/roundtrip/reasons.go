package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roundtrip-dev/roundtrip/internal/nearest"
	"github.com/roundtrip-dev/roundtrip/trace"
	"github.com/roundtrip-dev/roundtrip/trace/show"
)

func newReasons(c console) *cobra.Command {
	return &cobra.Command{
		Use:     "reasons [CODE]",
		GroupID: "see",
		Short:   "Explain the reason codes of answers, logs and journeys",
		Long: `Lists all reasons with their flags and codes, or explains one: what it means,
how to see that it is the one, and what to try first. CODE is a code, a flag, or
the first part of codes, such as cors.`,
		Example: `  roundtrip reasons access.rule_denied
  roundtrip reasons ARD
  roundtrip reasons cors`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("reasons takes one code, and %d were given; see %s --help", len(args), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return printReasons(c.out, strings.ToLower(strings.Join(args, "")), c.display())
		},
	}
}

// sentence puts a full stop where a text has no end of its own.
func sentence(text string) string {
	if strings.HasSuffix(text, "?") || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

func printReasons(w io.Writer, code string, o show.Options) error {
	var codes []string
	found := 0
	for _, r := range trace.Reasons() {
		codes = append(codes, r.Code())
		if r.Code() == code || strings.EqualFold(r.Flag(), code) {
			explainReason(w, r, o)
			return nil
		}
		if code == "" || strings.HasPrefix(r.Code(), code+".") {
			found++
			listReason(w, r, o)
		}
	}
	if found > 0 {
		return nil
	}
	if near := nearest.Of(code, codes); near != "" {
		return usage("there is no reason %q; did you mean %q?", code, near)
	}
	return usage("there is no reason %q; roundtrip reasons lists them all", code)
}

// codeColumns is how wide the codes of the list are.
const codeColumns = 32

func listReason(w io.Writer, r trace.Reason, o show.Options) {
	for i, line := range o.Paragraph("", r.Text(), o.Columns()-5-codeColumns-1) {
		head := fmt.Sprintf("%s  %-*s ", r.Flag(), codeColumns, r.Code())
		if i > 0 {
			head = strings.Repeat(" ", len(head))
		}
		fmt.Fprintln(w, head+line)
	}
}

// explainReason writes the page of one reason.
func explainReason(w io.Writer, r trace.Reason, o show.Options) {
	fmt.Fprintf(w, "%s  %s\n\n", r.Flag(), r.Code())
	say := func(head, text string) {
		for _, line := range o.Paragraph("  "+head, text, o.Columns()) {
			fmt.Fprintln(w, line)
		}
	}
	say("what   ", sentence(r.Text()))
	if layer := r.Layer(); layer != 0 {
		say("where  ", fmt.Sprintf("%s (the exit status of why and journey is that of the station that decided)", layer))
	}
	say("see it ", "roundtrip journeys --reason "+r.Code())
	say("fix    ", sentence(r.Fix()))
}
