package sql_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"segments/sql"
	"segments/transforms/frame"
)

// A generation of the test is a publish: who is where on a day. The newest one of a day counts.
type publish struct {
	id    string
	day   int
	known int64 // microseconds
	who   map[string]string
}

// saidOf is what publishes say of a day, naively: the newest publish of the greatest day up to it.
func saidOf(ps []publish, day int) map[string]string {
	var best *publish
	for i, p := range ps {
		if p.day <= day && (best == nil || p.day >= best.day) {
			best = &ps[i]
		}
	}
	if best == nil {
		return nil
	}
	return best.who
}

// A memory is the history in DuckDB, and the ledger.
type memory struct {
	db
	publishes []publish
}

const historyColumns = "run_id VARCHAR, customer_id VARCHAR, core_segment VARCHAR, previous_segment VARCHAR, true_from DATE, known_from TIMESTAMP, cause VARCHAR"

func newMemory(d db) *memory {
	d.exec(sql.Query{Text: "CREATE OR REPLACE TABLE segment_history (" + historyColumns + ")"})
	d.exec(sql.Query{Text: "CREATE OR REPLACE TABLE run_events (run_id VARCHAR, as_of DATE, state VARCHAR, ended_at TIMESTAMP)"})
	return &memory{db: d}
}

func table(name string) sql.Relation {
	return sql.Relation{Name: name, Select: "SELECT * FROM " + name}
}

func dated(day int) frame.Day {
	return frame.DayOf(time.Date(2024, 1, day, 0, 0, 0, 0, time.UTC))
}

// members is the relation of who is where.
func members(name string, who map[string]string) sql.Relation {
	rows := "SELECT CAST(NULL AS VARCHAR) AS customer_id, CAST(NULL AS VARCHAR) AS segment WHERE FALSE"
	for _, id := range slices.Sorted(maps.Keys(who)) {
		rows += fmt.Sprintf(" UNION ALL SELECT '%s', nullif('%s', '')", id, who[id])
	}
	return sql.Relation{Name: name, Select: rows}
}

// publish does what a run does: it is one of the newest day as a rule, and asks the history of the day else.
func (m *memory) publish(day int, clock int64, who map[string]string) {
	id := fmt.Sprint(day, who)
	if i := lastOf(m.publishes, day); i >= 0 && m.publishes[i].id == id {
		return // already published
	}
	previous := members("previous_members", saidOf(m.publishes, day-1))
	params := map[string]any{
		"as_of": dated(day), "as_of_day": int64(dated(day)), "run_id": id, "first": saidOf(m.publishes, day-1) == nil,
		"has_next": false, "next_on": dated(day), "known_from": frame.Moment(clock),
	}
	history, said := sql.Relation{Name: "segment_history", Select: "SELECT * FROM segment_history WHERE FALSE"}, previous
	if n := m.one("runs_from", params, table("run_events")); n[0] != "0" {
		history = table("segment_history")
		said = sql.Said(history)
		state := m.one("history_state", params, table("run_events"), history)
		known, err := time.Parse("2006-01-02 15:04:05.999999", state[0])
		if err != nil {
			m.t.Fatal(err)
		}
		clock = max(clock, known.UnixMicro()+1)
		params["known_from"] = frame.Moment(clock)
		if state[1] != "" {
			next, err := time.Parse(time.DateOnly, state[1])
			if err != nil {
				m.t.Fatal(err)
			}
			params["has_next"], params["next_on"] = true, frame.DayOf(next)
		}
	}
	said.Name = "said"
	causes := sql.Relation{Name: "segment_causes", Select: "SELECT '' AS customer_id, '' AS cause WHERE FALSE"}
	q := m.query("segment_history", params, previous, members("members", who), causes, history, said)
	m.exec(sql.Query{Text: "CREATE OR REPLACE TEMP TABLE staged AS " + q.Text, Params: q.Params})
	m.exec(sql.Query{Text: "DELETE FROM segment_history WHERE run_id = $run_id", Params: map[string]any{"run_id": id}})
	m.exec(sql.Query{Text: "INSERT INTO segment_history BY NAME SELECT * FROM staged"})
	m.exec(sql.Query{
		Text:   "INSERT INTO run_events VALUES ($id, CAST($day AS DATE), 'PUBLISHED', make_timestamp($at))",
		Params: map[string]any{"id": id, "day": frame.TimeOf(dated(day)), "at": int64(len(m.publishes))},
	})
	m.publishes = append(m.publishes, publish{id, day, clock, who})
}

func lastOf(ps []publish, day int) int {
	for i, p := range slices.Backward(ps) {
		if p.day == day {
			return i
		}
	}
	return -1
}

func (m *memory) query(name string, params map[string]any, rels ...sql.Relation) sql.Query {
	q, err := sql.Bind(name, sql.DuckDB, params, rels...)
	if err != nil {
		m.t.Fatal(err)
	}
	return forDriver(q)
}

// forDriver has days and moments as DuckDB's driver takes them.
func forDriver(q sql.Query) sql.Query {
	for name, v := range q.Params {
		switch v := v.(type) {
		case frame.Day:
			q.Params[name] = frame.TimeOf(v)
		case frame.Moment:
			q.Params[name] = time.UnixMicro(int64(v)).UTC()
		}
	}
	return q
}

func (m *memory) one(name string, params map[string]any, rels ...sql.Relation) []string {
	_, rows := m.rows(m.query(name, params, rels...))
	if len(rows) != 1 {
		m.t.Fatalf("%s: %d rows, want 1", name, len(rows))
	}
	return rows[0]
}

// says is what the history says of a day, as far as it was known at a moment.
func (m *memory) says(day int, known int64) map[string]string {
	history := sql.Relation{Name: "h", Select: fmt.Sprintf("SELECT * FROM segment_history WHERE known_from <= make_timestamp(%d)", known)}
	q := sql.Query{Text: strings.ReplaceAll(sql.Said(history).Select, "@as_of_day", strconv.FormatInt(int64(dated(day)), 10))}
	_, rows := m.rows(q)
	out := map[string]string{}
	for _, r := range rows {
		if r[1] != "" {
			out[r[0]] = r[1]
		}
	}
	return out
}

// Whatever days are published, again and behind each other, the history says of every day what the newest publish of the
// greatest day up to it said; and as of every earlier moment, what was published by then. Only changes are written.
func TestHistoryProperty(t *testing.T) {
	d := open(t, "")
	segments := []string{"A", "B", "", "-"} // '' has no segment, '-' is not there
	rapid.Check(t, func(rt *rapid.T) {
		m := newMemory(d)
		clock, still := int64(1_700_000_000_000_000), rapid.Bool().Draw(rt, "the clock stands still")
		for range rapid.IntRange(1, 7).Draw(rt, "publishes") {
			who := map[string]string{}
			for _, id := range []string{"ann", "bob", "cat"} {
				if s := rapid.SampledFrom(segments).Draw(rt, id); s != "-" {
					who[id] = s
				}
			}
			if !slices.ContainsFunc(slices.Collect(maps.Values(who)), func(s string) bool { return s != "" }) {
				continue // nobody is segmented: there are no cuts, or it is rejected
			}
			if !still {
				clock += 1_000_000
			}
			m.publish(rapid.IntRange(1, 6).Draw(rt, "day"), clock, who)
		}
		for n := range m.publishes {
			if still && n < len(m.publishes)-1 {
				continue
			}
			known := m.publishes[n].known
			if still {
				known += 1_000_000
			}
			for day := 1; day <= 7; day++ {
				want := map[string]string{}
				for id, s := range saidOf(m.publishes[:n+1], day) {
					if s != "" {
						want[id] = s
					}
				}
				if got := m.says(day, known); !maps.Equal(got, want) {
					_, rows := m.rows(sql.Query{Text: "SELECT * FROM segment_history ORDER BY known_from, true_from"})
					rt.Fatalf("after %d publishes %+v, of day %d: %v, want %v\n%v", n+1, m.publishes, day, got, want, rows)
				}
			}
		}
		if _, rows := m.rows(sql.Query{Text: "SELECT run_id, customer_id, true_from, known_from FROM segment_history GROUP BY ALL HAVING count(*) > 1"}); rows != nil {
			rt.Fatalf("keys are there twice: %v", rows)
		}
	})
}

// A day after the others writes those who moved, and nobody else; the same again writes nothing.
func TestHistoryWritesChanges(t *testing.T) {
	m := newMemory(open(t, ""))
	rows := func() string {
		_, rows := m.rows(sql.Query{Text: "SELECT customer_id, true_from, coalesce(core_segment, '-'), cause FROM segment_history ORDER BY rowid"})
		var out []string
		for _, r := range rows {
			out = append(out, strings.Join(r, " "))
		}
		m.exec(sql.Query{Text: "DELETE FROM segment_history"})
		return strings.Join(out, "; ")
	}
	m.publish(1, 1, map[string]string{"ann": "A", "bob": "A"})
	if got, want := rows(), "ann 2024-01-01 A new; bob 2024-01-01 A new"; got != want {
		t.Errorf("first: %s, want %s", got, want)
	}
	m.publish(3, 2, map[string]string{"ann": "B", "bob": "A"})
	if got, want := rows(), "ann 2024-01-03 B restated"; got != want { // without causes
		t.Errorf("a move: %s, want %s", got, want)
	}
	m.publish(4, 3, map[string]string{"ann": "B", "bob": "A"})
	if got := rows(); got != "" {
		t.Errorf("nobody moved: %s", got)
	}
}
