package stats

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What the statistics are held against, in the same run: scipy, statsmodels and scikit-learn, in a virtual environment that the
// test makes in bin/oracles.
var (
	//go:embed testdata/oracle.py
	script string
	//go:embed testdata/requirements.txt
	requirements string
)

// A question is put to the oracle: what, and its arguments by name. Our own answer is got; absolute is how far off numbers
// near 0 may be, where rounding leaves no relative accuracy.
type question struct {
	args     map[string]any
	got      []float64
	absolute float64
}

// Every statistic agrees with the oracles to a relative 1e-9, on random tables of all sizes.
func TestOracles(t *testing.T) {
	python := oraclePython(t)
	qs := questions(rand.New(rand.NewPCG(1, 2)))
	in := make([]map[string]any, len(qs))
	for i, q := range qs {
		in[i] = q.args
	}
	js, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-I", "-W", "ignore", "-c", script)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(js), &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	var want [][]float64
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	held := map[string]int{}
	for i, q := range qs {
		what := q.args["what"].(string)
		held[what]++
		for k, w := range want[i] {
			if g := q.got[k]; !(math.Abs(g-w) <= 1e-9*math.Abs(w)+q.absolute) {
				t.Errorf("%v: number %d is %v, the oracle's %v", q.args, k, g, w)
			}
		}
	}
	t.Logf("held against the oracles: %v", held)
	if len(held) != 20 {
		t.Errorf("%d statistics, want 20", len(held))
	}
}

// questions draws tables of a few to thousands of customers.
func questions(r *rand.Rand) []question {
	var qs []question
	ask := func(absolute float64, what string, got []float64, args map[string]any) {
		args["what"] = what
		qs = append(qs, question{args, got, absolute})
	}
	below := func(n int64) int64 { return r.Int64N(n + 1) }
	for range 150 {
		most := []int64{12, 300, 20000, 5_000_000}[r.IntN(4)]
		n1, n2 := 1+below(most), 1+below(most)
		x1, x2 := below(n1), below(n2)
		if r.IntN(3) > 0 { // rare, as conversions are
			x1, x2 = below(n1/8), below(n2/8)
		}
		two := func() map[string]any { return map[string]any{"x1": x1, "n1": n1, "x2": x2, "n2": n2} }
		w, d, q := Wilson(x1, n1), Newcombe(x1, n1, x2, n2), RatioInterval(x1, n1, x2, n2)
		ask(1e-15, "wilson", []float64{w.Low, w.High}, map[string]any{"k": x1, "n": n1})
		ask(1e-15, "newcombe", []float64{d.Low, d.High}, two())
		ask(0, "ratio", []float64{q.Low, q.High}, two())
		if p, test := TwoProportions(x1, n1, x2, n2); test != "" && (test == "z" || most <= 20000) {
			ask(1e-300, test, []float64{p}, two())
		}
		ask(1e-15, "entropy", []float64{Entropy(x1, n1)}, map[string]any{"k": x1, "n": n1})
	}
	for range 60 {
		askTables(r, ask)
		askRanks(r, ask)
		askDifferences(r, ask)
		ps := make([]float64, 1+r.IntN(30))
		for i := range ps {
			ps[i] = math.Pow(r.Float64(), 3)
		}
		ask(0, "benjamini_hochberg", BenjaminiHochberg(ps), map[string]any{"ps": ps})
		df := 1 + r.IntN(30)
		lambda := math.Pow(10, 4*r.Float64()-1)
		x := (float64(df) + lambda) * (0.5 + r.Float64())
		ask(1e-300, "noncentral", []float64{NoncentralSurvival(x, df, lambda)}, map[string]any{"x": x, "df": df, "lambda": lambda})
		n1, n2, base := 200+below(100_000), 200+below(100_000), 0.4*r.Float64()
		alpha, power := 0.001+0.1*r.Float64(), 0.5+0.49*r.Float64()
		if rise, ok := MinimumDetectableEffect(n1, n2, base, alpha, power); ok {
			ask(0, "power", []float64{power}, map[string]any{"n1": n1, "n2": n2, "base": base, "alpha": alpha, "rise": rise})
		}
	}
	return qs
}

type asker func(absolute float64, what string, got []float64, args map[string]any)

// askTables asks of a table of segments by conversion, all cells of which have somebody, and of two vectors of counts.
func askTables(r *rand.Rand, ask asker) {
	most := []int64{5, 200, 100_000}[r.IntN(3)]
	rows := make([][2]int64, 2+r.IntN(11))
	before, after, shares := make([]int64, len(rows)), make([]int64, len(rows)), make([]float64, len(rows))
	for i := range rows {
		rows[i] = [2]int64{1 + r.Int64N(most), 1 + r.Int64N(8*most)}
		before[i], after[i], shares[i] = r.Int64N(most), r.Int64N(most), 0.1+r.Float64()
	}
	before[0], after[0] = 0, 3 // an empty bin
	before[1] = 7
	table := func() map[string]any { return map[string]any{"rows": rows} }
	chi, _ := ChiSquare(rows)
	ask(1e-300, "chi_square", []float64{chi.Statistic, chi.P, float64(chi.DF)}, table())
	v, _ := CramersV(rows)
	ask(0, "cramers_v", []float64{v}, table())
	corrected, _ := CramersVCorrected(rows)
	ask(1e-8, "cramers_v_corrected", []float64{corrected}, table()) // a root: of 0, that of rounding
	ask(1e-14, "information", []float64{MutualInformation(rows)}, table())
	psi, _ := PSI(before, after)
	ask(0, "psi", []float64{psi}, map[string]any{"before": before, "after": after})
	fit, _ := ChiSquareGoodness(after, shares)
	ask(1e-300, "goodness", []float64{fit.Statistic, fit.P}, map[string]any{"observed": after, "shares": shares})
}

// askRanks asks of scores with ties.
func askRanks(r *rand.Rand, ask asker) {
	groups := make([]Group, 2+r.IntN(8))
	for i := range groups {
		groups[i] = Group{Score: float64(r.IntN(6)), Converted: r.Int64N(40), Rest: r.Int64N(120)}
	}
	groups[0] = Group{Score: 7, Converted: 2, Rest: 2}
	auc, _ := AUC(groups)
	tau, _ := KendallTauOfGroups(groups)
	ask(1e-15, "auc", []float64{auc.Value, auc.Low, auc.High}, map[string]any{"groups": groups})
	ask(1e-15, "tau_of_groups", []float64{tau}, map[string]any{"groups": groups})
	xs, ys := make([]float64, 3+r.IntN(15)), []float64{}
	for i := range xs {
		xs[i] = float64(r.IntN(6))
		ys = append(ys, float64(r.IntN(6)))
	}
	xs[0], ys[0] = 9, 9
	tau, _ = KendallTauB(xs, ys)
	ask(1e-15, "tau", []float64{tau}, map[string]any{"xs": xs, "ys": ys})
}

// oraclePython is the Python that has the oracles. Where it cannot be made the test is skipped; not so in CI.
func oraclePython(t *testing.T) string {
	t.Helper()
	python, err := installOracles(t)
	if err != nil {
		refuse := t.Skipf
		if os.Getenv("CI") == "true" {
			refuse = t.Fatalf
		}
		refuse("the statistics are not held against scipy, statsmodels and scikit-learn: %v. It needs Python 3.11 to 3.13 with venv (SEGMENTS_PYTHON names "+
			"one) and the package index.", err)
	}
	return python
}

// installOracles makes the virtual environment in bin/oracles, where it is not there yet, and returns its Python.
func installOracles(t *testing.T) (string, error) {
	t.Helper()
	base, version, err := findPython(t)
	if err != nil {
		return "", err
	}
	all, err := filepath.Abs("../../../bin/oracles")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(requirements + base + version))
	dir := filepath.Join(all, hex.EncodeToString(sum[:])[:12])
	python := filepath.Join(dir, "bin", "python")
	if _, err := os.Stat(python); err == nil {
		return python, nil
	}
	building := fmt.Sprintf("%s.new-%d", dir, os.Getpid()) // whoever is first gives it its name
	if err := os.MkdirAll(building, 0o755); err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(building) }()
	for _, args := range [][]string{
		{base, "-m", "venv", building},
		{
			filepath.Join(building, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "2",
			"--no-deps", "--only-binary", ":all:", "--requirement", "testdata/requirements.txt",
		},
	} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", strings.Join(args[:3], " "), err, out)
		}
	}
	if err := os.Rename(building, dir); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return python, nil
}

// findPython returns a Python that the requirements are for, and its version.
func findPython(t *testing.T) (path, version string, err error) {
	t.Helper()
	candidates := []string{os.Getenv("SEGMENTS_PYTHON"), "python3.13", "python3.12", "python3.11", "python3", "python"}
	if home, err := os.UserHomeDir(); err == nil { // a shim on PATH may have nothing behind it
		for _, minor := range []string{"13", "12", "11"} {
			found, _ := filepath.Glob(filepath.Join(home, ".pyenv", "versions", "3."+minor+"*", "bin", "python"))
			candidates = append(candidates, found...)
		}
	}
	const about = "import sys, venv, ensurepip; print(sys.version_info[0] == 3 and 11 <= sys.version_info[1] <= 13, sys.version)"
	for _, c := range candidates {
		if c == "" {
			continue
		}
		out, err := exec.CommandContext(t.Context(), c, "-I", "-c", about).Output()
		if version, ok := strings.CutPrefix(string(out), "True "); ok && err == nil {
			return c, version, nil
		}
	}
	return "", "", errors.New("there is no such Python")
}
