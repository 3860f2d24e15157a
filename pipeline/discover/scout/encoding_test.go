package scout

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEncoding(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"a.csv", "Käufer\n1\n", isUTF8},
		{"a.csv", "\ufeffid\n1\n", isUTF8},
		{"a.TXT", "K\xe4ufer\n1\n", isOther},
		{"a.tsv", "\xff\xfei\x00d\x00\n\x00", isUTF16},
		{"a.csv", strings.Repeat("x\n", 1<<19-1) + "xä\n", isUTF8}, // the first MiB ends within the ä
		{"a.csv.gz", "\x1f\x8b", isHidden},
		{"a.csv", "", isUTF8},
	} {
		path := filepath.Join(t.TempDir(), c.file)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := encoding(path); got != c.want {
			t.Errorf("%s of %d bytes: %q, want %q", c.file, len(c.text), got, c.want)
		}
	}
	if got := encoding("no such file.csv"); got != isHidden {
		t.Errorf("a file that is not there: %q", got)
	}
}
