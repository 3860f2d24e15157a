package call

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"cloud.google.com/go/bigquery"
)

// content is what a job's id follows from. It leaves out what does not change the outcome, such as the budget.
type content struct {
	Key    string
	SQL    string          `json:",omitempty"`
	Params []param         `json:",omitempty"`
	File   string          `json:",omitempty"` // SHA-256
	Schema json.RawMessage `json:",omitempty"`
	Into   string          `json:",omitempty"`
}

type param struct {
	Name, Type string
	Value      any
}

func (q Query) content() content {
	c := content{Key: q.Key, SQL: q.SQL, Into: tableName(q.Into)}
	for _, p := range q.Params {
		c.Params = append(c.Params, param{p.Name, fmt.Sprintf("%T", p.Value), p.Value})
	}
	return c
}

// content also returns the file's size.
func (l Load) content() (content, int64, error) {
	f, err := os.Open(l.File)
	if err != nil {
		return content{}, 0, err
	}
	defer f.Close() //nolint:errcheck // it is only read
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err != nil {
		return content{}, 0, err
	}
	schema, err := l.Schema.ToJSONFields()
	if err != nil {
		return content{}, 0, err
	}
	return content{Key: l.Key, File: hex.EncodeToString(h.Sum(nil)), Schema: schema, Into: tableName(l.Into)}, size, nil
}

// digest is SHA-256 in hexadecimal.
func (c content) digest() (string, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("the parameters have no JSON: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

func tableName(t *bigquery.Table) string {
	if t == nil {
		return ""
	}
	return t.ProjectID + "." + t.DatasetID + "." + t.TableID
}

// maxLabel is the length of a label that BigQuery allows.
const maxLabel = 63

// jobID is the id without the attempt.
func jobID(step, digest string) string {
	return "segments_" + label(step) + "_" + digest[:24]
}

// label makes text fit for a label: lower case letters, digits, _ and -, up to 63 of them.
func label(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '_'
	}, text)
	return text[:min(len(text), maxLabel)]
}

// labels are those of a job. The key of a label must begin with a letter: one that does not is given an x.
func (c *Client) labels(step, digest string) map[string]string {
	out := make(map[string]string, len(c.o.Labels)+2)
	for k, v := range c.o.Labels {
		k = label(k)
		if k == "" || k[0] < 'a' || k[0] > 'z' {
			k = label("x" + k)
		}
		out[k] = label(v)
	}
	out["step"] = label(step)
	if digest != "" {
		out["digest"] = digest[:maxLabel]
	}
	return out
}
