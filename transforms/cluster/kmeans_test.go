package cluster

import (
	"context"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// iris returns the four measures of Fisher's iris data and the species, from R 4.2.2's datasets.
func iris(t *testing.T) (p points, species []int) {
	t.Helper()
	dir := os.Getenv("SEGMENTS_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(dir, "cluster_refs", "iris.csv"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("reference data: %v", err)
		}
		t.Skipf("SKIPPED, NOTHING WAS COMPARED WITH REFERENCES: set SEGMENTS_DATA to the folder of the reference data: %v", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"setosa", "versicolor", "virginica"}
	p.dim = 4
	for _, row := range rows[1:] {
		for _, cell := range row[:4] {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			p.x = append(p.x, v)
		}
		species = append(species, slices.Index(names, row[4]))
		p.n++
	}
	return p, species
}

// The references are those of R 4.2.2 (stats::kmeans, cluster::silhouette) and scikit-learn 1.2.1 (KMeans,
// adjusted_rand_score) on raw iris, best of many starts.
func TestIris(t *testing.T) {
	p, species := iris(t)
	for _, tc := range []struct {
		k          int
		inertia    float64
		sizes      []int
		silhouette float64
		rand       float64
	}{
		{k: 2, inertia: 152.34795},
		{k: 3, inertia: 78.851441426146, sizes: []int{38, 50, 62}, silhouette: .552819, rand: .730238},
		{k: 4, inertia: 57.22847},
	} {
		c, err := kMeans(context.Background(), p, tc.k, 50, 1)
		if err != nil {
			t.Fatal(err)
		}
		if !c.converged || math.Abs(c.inertia/tc.inertia-1) > 1e-7 {
			t.Errorf("k %d: inertia %.12f, want %.12f (converged: %t)", tc.k, c.inertia, tc.inertia, c.converged)
		}
		if tc.sizes == nil {
			continue
		}
		sizes := make([]int, tc.k)
		for _, l := range c.labels {
			sizes[l]++
		}
		slices.Sort(sizes)
		if !slices.Equal(sizes, tc.sizes) {
			t.Errorf("k %d: sizes %v, want %v", tc.k, sizes, tc.sizes)
		}
		if s := silhouette(p, c.labels, tc.k); math.Abs(s-tc.silhouette) > 1e-6 {
			t.Errorf("k %d: silhouette %.6f, want %.6f", tc.k, s, tc.silhouette)
		}
		if r := adjustedRand(c.labels, species); math.Abs(r-tc.rand) > 1e-6 {
			t.Errorf("k %d: adjusted Rand index %.6f, want %.6f", tc.k, r, tc.rand)
		}
	}
}

// The example is that of scikit-learn's test_k_means.py, test_kmeans_results.
func TestWeights(t *testing.T) {
	p := points{x: []float64{0, 0, .5, 0, .5, 1, 1, 1}, dim: 2, n: 4, w: []float64{3, 1, 1, 3}}
	c := lloyd(p, []float64{0, 0, 1, 1})
	if !slices.Equal(c.labels, []int{0, 0, 1, 1}) || c.inertia != .375 || !slices.Equal(c.centers, []float64{.125, 0, .875, 1}) {
		t.Errorf("labels %v, inertia %g, centers %v; want [0 0 1 1], 0.375, [0.125 0 0.875 1]", c.labels, c.inertia, c.centers)
	}
}

// A center far from all points gets none and has to move to the point that is farthest from its own.
func TestEmptyClusters(t *testing.T) {
	p := points{x: []float64{0, 0, 1, 10, 10}, dim: 1, n: 5}
	for _, centers := range [][]float64{{0, 100, 200}, {0, 0, 0}, {500, 500, 0}, {-1, -2, -3}} {
		c := lloyd(p, slices.Clone(centers))
		got := slices.Sorted(slices.Values(c.centers))
		if !slices.Equal(got, []float64{0, 1, 10}) || c.inertia != 0 || !c.converged {
			t.Errorf("from %v: centers %v, inertia %g, want 0, 1 and 10", centers, got, c.inertia)
		}
	}
}

// Lloyd's algorithm as in the textbook, with all distances, gives the same to the last bit.
func TestBoundsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dim, n := rapid.IntRange(1, 5).Draw(t, "dim"), rapid.IntRange(20, 400).Draw(t, "n")
		r := newRandom(int64(rapid.Uint32().Draw(t, "seed")), 0, 0)
		scale := rapid.SampledFrom([]float64{1e-12, 1, 1e9}).Draw(t, "scale")
		dropped := rapid.SampledFrom([]int{11, 61}).Draw(t, "dropped bits") // many different numbers, or few
		p := points{x: make([]float64, n*dim), dim: dim, n: n}
		for i := range p.x {
			p.x[i] = scale * float64(r.next()>>dropped)
		}
		k := rapid.IntRange(1, 12).Draw(t, "k")
		centers := plusPlus(p, k, r)
		got := lloyd(p, slices.Clone(centers))

		want := partition{centers: centers, labels: slices.Repeat([]int{-1}, n), dist: make([]float64, n)}
		for want.passes = 1; ; want.passes++ {
			changed := want.assign(p, bounds{make([]float64, n), make([]float64, k)})
			sizes := make([]float64, k)
			for _, l := range want.labels {
				sizes[l]++
			}
			for l, size := range sizes {
				if size == 0 {
					want.reseed(p, l, sizes)
					changed = true
				}
			}
			if !changed || want.passes == maxPasses {
				break
			}
			want.move(p, sizes)
		}
		if !slices.Equal(got.labels, want.labels) || !slices.Equal(got.centers, want.centers) ||
			!slices.Equal(got.dist, want.dist) || got.passes != want.passes {
			t.Fatalf("%d passes to %v, want %d to %v", got.passes, got.centers, want.passes, want.centers)
		}
	})
}

func TestPartitionProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dim := rapid.IntRange(1, 3).Draw(t, "dim")
		// Few different values, so that points and distances tie.
		x := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 4), func(v int) float64 { return float64(v) }), 2*dim, 30*dim).Draw(t, "x")
		p := points{x: x[:len(x)/dim*dim], dim: dim, n: len(x) / dim}
		if rapid.Bool().Draw(t, "weighted") {
			p.w = rapid.SliceOfN(rapid.Map(rapid.IntRange(1, 3), func(v int) float64 { return float64(v) }), p.n, p.n).Draw(t, "w")
		}
		distinct := p.distinct()
		k := rapid.IntRange(1, distinct).Draw(t, "k")
		c, err := kMeans(context.Background(), p, k, 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		if !c.converged {
			t.Fatalf("not converged after %d passes", c.passes)
		}
		sizes, means := make([]float64, k), make([]float64, k*dim)
		for i, l := range c.labels {
			sizes[l] += p.weight(i)
			for j, v := range p.row(i) {
				means[l*dim+j] += p.weight(i) * v
			}
			for o := range k {
				if d := squared(p.row(i), c.centers[o*dim:(o+1)*dim]); d < c.dist[i] {
					t.Fatalf("point %d is of cluster %d at %g, and %d is nearer at %g", i, l, c.dist[i], o, d)
				}
			}
		}
		for l, size := range sizes {
			if size == 0 {
				t.Fatalf("cluster %d of %d is empty, with %d distinct points", l, k, distinct)
			}
			for j := range dim {
				if got, want := c.centers[l*dim+j], means[l*dim+j]/size; math.Abs(got-want) > 1e-12 {
					t.Fatalf("center %d is %g, the mean is %g", l, got, want)
				}
			}
		}
		if k == distinct && c.inertia != 0 {
			t.Fatalf("inertia %g with a cluster for each distinct point", c.inertia)
		}
		if s := silhouette(p, c.labels, k); !(s >= -1 && s <= 1) {
			t.Fatalf("silhouette %g", s)
		}
	})
}

// By hand: pairs 1 apart, 10 from pair to pair. a = 1; b of the four points is 10.5, 9.5, 9.5, 10.5.
func TestSilhouetteByHand(t *testing.T) {
	p := points{x: []float64{0, 1, 10, 11}, dim: 1, n: 4}
	want := ((1 - 1/10.5) + (1 - 1/9.5)) / 2
	if got := silhouette(p, []int{0, 0, 1, 1}, 2); math.Abs(got-want) > 1e-15 {
		t.Errorf("silhouette %g, want %g", got, want)
	}
	for name, labels := range map[string][]int{"one cluster": {0, 0, 0, 0}, "all alone": {0, 1, 2, 3}} {
		if got := silhouette(p, labels, 4); got != 0 {
			t.Errorf("%s: silhouette %g, want 0", name, got)
		}
	}
}

// The first numbers of Vigna's splitmix64.c (prng.di.unimi.it) from state 1234567, as Rosetta Code prints them.
func TestRandom(t *testing.T) {
	r := random(1234567)
	for i, want := range []uint64{
		6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821,
	} {
		if got := r.next(); got != want {
			t.Errorf("number %d is %d, want %d", i, got, want)
		}
	}
}

// adjustedRand compares two labelings: Hubert & Arabie (Journal of Classification 2, 1985), equation 5.
func adjustedRand(a, b []int) float64 {
	pairs := func(n int) float64 { return float64(n) * float64(n-1) / 2 }
	both, as, bs := map[[2]int]int{}, map[int]int{}, map[int]int{}
	for i := range a {
		both[[2]int{a[i], b[i]}]++
		as[a[i]]++
		bs[b[i]]++
	}
	var index, sumA, sumB float64
	for _, n := range both {
		index += pairs(n)
	}
	for _, n := range as {
		sumA += pairs(n)
	}
	for _, n := range bs {
		sumB += pairs(n)
	}
	expected := sumA * sumB / pairs(len(a))
	return (index - expected) / ((sumA+sumB)/2 - expected)
}
