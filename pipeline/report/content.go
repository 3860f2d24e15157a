package report

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Content says what to suggest to which group in which stage of its journey.
type Content []Suggestion

// A Suggestion is a line of it.
type Suggestion struct {
	Segment string // a core segment, or * for every one that has no line of its own for the stage
	Stage   string // awareness, consideration, decision or retention; or * for every stage
	Content string // what to show, in words
	Channel string // where
}

// DefaultContentCSV is the content table that is used where the user has none, and that they may begin with.
//
//go:embed content.csv
var DefaultContentCSV []byte

// DefaultContent returns the table of DefaultContentCSV.
func DefaultContent() Content {
	c, err := ParseContent(bytes.NewReader(DefaultContentCSV))
	if err != nil {
		panic(err) // it is in the binary
	}
	return c
}

var contentHeader = []string{"segment", "stage", "content", "channel"}

var contentStages = []string{"*", "awareness", "consideration", "decision", "retention"}

// ParseContent reads a CSV file whose first line is segment,stage,content,channel. Its errors begin with the line.
func ParseContent(r io.Reader) (Content, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = -1
	in.TrimLeadingSpace = true
	var out Content
	for first := true; ; first = false {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err // it names the line
		}
		line, _ := in.FieldPos(0)
		if first {
			row[0] = strings.TrimPrefix(row[0], "\ufeff")
			if !slices.Equal(row, contentHeader) {
				return nil, fmt.Errorf("line %d: the header is %q, want %q", line, strings.Join(row, ","), strings.Join(contentHeader, ","))
			}
			continue
		}
		if len(row) != len(contentHeader) {
			return nil, fmt.Errorf("line %d: %d fields, want %d: %s", line, len(row), len(contentHeader), strings.Join(contentHeader, ", "))
		}
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
			if row[i] == "" {
				return nil, fmt.Errorf("line %d: %s is empty", line, contentHeader[i])
			}
		}
		s := Suggestion{row[0], row[1], row[2], row[3]}
		if !slices.Contains(contentStages, s.Stage) {
			return nil, fmt.Errorf("line %d: stage %q, want one of %s", line, s.Stage, strings.Join(contentStages, ", "))
		}
		if slices.ContainsFunc(out, func(o Suggestion) bool { return o.Segment == s.Segment && o.Stage == s.Stage }) {
			return nil, fmt.Errorf("line %d: %s in stage %s is there twice", line, s.Segment, s.Stage)
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, errors.New("there are no suggestions")
	}
	return out, nil
}

// For returns the suggestion for a segment in a stage: its own line, else its line for all stages, else that of all
// segments for the stage, else that of all for all. ok is false where there is none.
func (c Content) For(segment, stage string) (s Suggestion, ok bool) {
	for _, key := range [][2]string{{segment, stage}, {segment, "*"}, {"*", stage}, {"*", "*"}} {
		for _, s := range c {
			if strings.EqualFold(s.Segment, key[0]) && s.Stage == key[1] {
				return s, true
			}
		}
	}
	return Suggestion{}, false
}
