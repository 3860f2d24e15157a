package bigquery

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/bigquerytest"
	"segments/transforms/frame"
)

// An engine does what the queries of this package do to the tables of a fake. It knows their texts and no other SQL.
// A record of a published table has rows of one run and one date, so that rows come and go by records.
type engine struct {
	rest *bigquerytest.REST
	mu   sync.Mutex // one script at a time

	// fails is called before each query runs; a reason makes it fail. It may be nil.
	fails func(step string) (reason, message string)
	// spoil loses rows of the first published table after a publish.
	spoil bool
}

// The texts that the engine knows.
var (
	made       = regexp.MustCompile("^CREATE OR REPLACE VIEW (`[^ ]+`)")
	lockMade   = regexp.MustCompile("^CREATE TABLE IF NOT EXISTS (`[^ ]+`)")
	locked     = regexp.MustCompile("^UPDATE (`[^ ]+`) SET changes = changes \\+ 1 WHERE TRUE$")
	deleted    = regexp.MustCompile("^DELETE FROM (`[^ ]+`) WHERE (.+)$")
	copied     = regexp.MustCompile("^INSERT INTO (`[^ ]+`) \\((.+)\\) SELECT (.+) FROM (`[^ ]+`)$")
	inserted   = regexp.MustCompile("^INSERT INTO (`[^ ]+`) \\(.+\\) VALUES \\(.+\\)$")
	guarded    = regexp.MustCompile("(?s)^IF NOT EXISTS \\(SELECT 1 FROM (`[^ ]+`) WHERE .+ != @seen THEN RAISE USING MESSAGE = \"(.+)\"; END IF$")
	counted    = regexp.MustCompile("^IF \\(SELECT count\\(\\*\\) FROM (`[^ ]+`) WHERE ([^)]+)\\) != ([0-9]+) THEN RAISE ")
	verified   = regexp.MustCompile("\\(SELECT count\\(\\*\\) FROM (`[^ ]+`) WHERE ([^)]+)\\) AS n[0-9]+")
	selected   = regexp.MustCompile("(?s) FROM (`[^ ]+`)$")
	numberCol  = frame.Int64("n", "A number.")
	customers  = frame.Table{Name: "customers", Key: []string{"id"}, Columns: []frame.Column{idCol.Column, valueCol.Column}}
	sourceRows = data(customers, warehouse.Run{}, 50, 1)
)

// answer does what the job j asks for, or would do if it is a dry run.
func (e *engine) answer(j bigquerytest.Job) (out bigquerytest.Outcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	out.Bytes, out.Billed = 1<<20, 10<<20
	if most := j.Config.Query.MaximumBytesBilled; most > 0 && most < out.Billed {
		return out // the fake refuses it
	}
	fail := func(reason, message string) bigquerytest.Outcome {
		return bigquerytest.Outcome{Reason: reason, Message: message}
	}
	defer func() {
		if r := recover(); r != nil {
			out = fail("invalidQuery", fmt.Sprint("the engine: ", r))
		}
	}()
	if e.fails != nil && !j.DryRun {
		if reason, message := e.fails(j.Config.Labels["step"]); reason != "" {
			return fail(reason, message)
		}
	}
	params := map[string]*string{}
	for _, p := range j.Config.Query.QueryParameters {
		params[p.Name] = nil
		if p.ParameterValue != nil && p.ParameterValue.Value != "" {
			params[p.Name] = &p.ParameterValue.Value
		}
	}
	switch step := j.Config.Labels["step"]; {
	case step == "clock", step == "check", strings.HasPrefix(step, "count_"):
		out.Records = []arrow.Record{frame.Record(numberCol.Array([]int64{sourceRows.NumRows()}, nil))}
	case step == "customers" && j.DryRun:
		out.Records, out.Tables = []arrow.Record{sourceRows}, []string{source}
	case step == "customers", step == "materialize_customers":
		out.Records = []arrow.Record{sourceRows}
	case strings.HasPrefix(step, "materialize_"):
		out.Records = []arrow.Record{tables[strings.TrimPrefix(step, "materialize_")]}
	case step == "ledger":
		out.Schema, out.Records = e.ledger()
	case step == "look":
		out.Records = e.published("run_events")
	case strings.HasPrefix(step, "scan_"): // of a view of the newest date
		name := plainName(selected.FindStringSubmatch(j.SQL)[1])
		for _, r := range e.published(strings.TrimSuffix(name[strings.LastIndex(name, ".")+1:], currentSuffix)) {
			if text(r, "as_of") == e.current() {
				out.Records = append(out.Records, r)
			}
		}
	case step == "views":
		for _, statement := range strings.Split(strings.TrimSuffix(strings.TrimSpace(j.SQL), ";"), ";\n") {
			if m := lockMade.FindStringSubmatch(statement); m != nil {
				if _, _, err := e.rest.Table(plainName(m[1])); err != nil {
					one := frame.Record(frame.Int64("changes", "").Array([]int64{0}, nil))
					if err := e.rest.Put(plainName(m[1]), one.Schema(), one); err != nil {
						return fail("invalid", err.Error())
					}
				}
			} else if m := made.FindStringSubmatch(statement); m == nil {
				return fail("invalidQuery", "Syntax error: "+statement)
			} else {
				name := plainName(m[1])
				of := strings.TrimSuffix(name, currentSuffix)
				if name == output+".runs" {
					of = output + "." + warehouse.Runs.Name
				}
				if err := e.rest.PutView(name, statement, of); err != nil {
					return fail("invalid", err.Error())
				}
			}
		}
	case step == "publish", step == "record":
		if message := e.transaction(j.SQL, params); message != "" {
			return fail("invalidQuery", message)
		}
	case step == "rows_of_the_slot":
		there := slices.ContainsFunc(e.published("dated"), func(r arrow.Record) bool { return matches(r, "as_of = @as_of", params) })
		out.Records = []arrow.Record{frame.Record(frame.Bool("there", "").Array([]bool{there}, nil))}
	case step == "verify":
		var n []frame.Data
		for i, m := range verified.FindAllStringSubmatch(j.SQL, -1) {
			records, err := e.rows(m[1])
			if err != nil {
				return fail("notFound", err.Error())
			}
			n = append(n, frame.Int64(fmt.Sprintf("n%d", i), "").Array([]int64{count(records, m[2], params)}, nil))
		}
		out.Records = []arrow.Record{frame.Record(n...)}
	default:
		return fail("invalidQuery", "the engine does not know the step "+step)
	}
	return out
}

// transaction runs the script text, of which all takes effect or nothing, and returns why nothing did.
func (e *engine) transaction(script string, params map[string]*string) string {
	all := map[string][]arrow.Record{}
	rows := func(quoted string) []arrow.Record {
		name := plainName(quoted)
		if _, ok := all[name]; !ok {
			all[name], _ = e.rows(quoted)
		}
		return all[name]
	}
	var spoiled string
	begun, committed := false, false
	for _, statement := range strings.Split(strings.TrimSuffix(strings.TrimSpace(script), ";"), ";\n") {
		switch statement {
		case "BEGIN TRANSACTION":
			begun = true
			continue
		case "COMMIT TRANSACTION":
			committed = begun
			continue
		case "END IF":
			continue
		}
		if m := locked.FindStringSubmatch(statement); m != nil {
			if len(rows(m[1])) != 1 {
				return "no lock: " + m[1]
			}
		} else if m := guarded.FindStringSubmatch(statement); m != nil {
			there := rows(m[1])
			for _, r := range there {
				if matches(r, "run_id = @run_id", params) && text(r, "state") == *params["state"] && micros(r, "ended_at") == instant(*params["ended_at"]) {
					return "" // it has been done
				}
			}
			if strconv.Itoa(len(there)) != *params["seen"] {
				return m[2]
			}
		} else if m := deleted.FindStringSubmatch(statement); m != nil {
			rows(m[1])
			all[plainName(m[1])] = slices.DeleteFunc(slices.Clone(rows(m[1])), func(r arrow.Record) bool { return matches(r, m[2], params) })
		} else if m := copied.FindStringSubmatch(statement); m != nil {
			if m[2] != m[3] {
				return "the columns are not in order: " + statement
			}
			have := slices.Clone(rows(m[1]))
			added := rows(m[4])
			delete(all, plainName(m[4]))
			for i := range have { // as BigQuery does with rows that lack a column
				have[i] = widened(have[i], added[0].Schema())
			}
			all[plainName(m[1])] = append(have, added...)
			if spoiled == "" {
				spoiled = plainName(m[1])
			}
		} else if m := inserted.FindStringSubmatch(statement); m != nil {
			all[plainName(m[1])] = append(slices.Clone(rows(m[1])), eventOf(params))
		} else if m := counted.FindStringSubmatch(statement); m != nil {
			if n := strconv.FormatInt(count(rows(m[1]), m[2], params), 10); n != m[3] {
				return badCount + m[1] + " has " + n + " rows of this run, want " + m[3] + " at [1:1]"
			}
		} else {
			return "Syntax error: " + statement
		}
	}
	if !committed {
		return "Transaction is not committed"
	}
	if e.spoil && spoiled != "" {
		all[spoiled] = all[spoiled][:len(all[spoiled])-1]
	}
	maps.DeleteFunc(all, func(name string, _ []arrow.Record) bool { return strings.HasSuffix(name, "."+lockTable) })
	if err := e.rest.Fill(all); err != nil {
		return err.Error()
	}
	return ""
}

// eventOf is the ledger's line that params describe.
func eventOf(params map[string]*string) arrow.Record {
	fields, arrays := make([]arrow.Field, len(warehouse.Runs.Columns)), make([]arrow.Array, len(warehouse.Runs.Columns))
	for i, c := range warehouse.Runs.Columns {
		fields[i] = arrow.Field{Name: c.Name, Type: parquetType(c.Kind), Nullable: true}
		b := array.NewBuilder(memory.DefaultAllocator, fields[i].Type)
		v := params[c.Name]
		if times, ok := b.(*array.TimestampBuilder); v == nil {
			b.AppendNull()
		} else if ok {
			times.Append(instant(*v))
		} else if err := b.AppendValueFromString(*v); err != nil {
			panic(fmt.Sprintf("%s: %q: %v", c.Name, *v, err))
		}
		arrays[i] = b.NewArray()
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), arrays, 1)
}

// instant reads a parameter of type TIMESTAMP.
func instant(s string) arrow.Timestamp {
	t, err := time.Parse("2006-01-02 15:04:05.999999-07:00", s)
	if err != nil {
		panic(err)
	}
	return arrow.Timestamp(t.UnixMicro())
}

func micros(r arrow.Record, name string) arrow.Timestamp {
	return r.Column(r.Schema().FieldIndices(name)[0]).(*array.Timestamp).Value(0)
}

// text is the value of a column in the first row of r, which is that of all rows.
func text(r arrow.Record, name string) string {
	return r.Column(r.Schema().FieldIndices(name)[0]).ValueStr(0)
}

// matches reports whether the rows of r are those of the condition where.
func matches(r arrow.Record, where string, params map[string]*string) bool {
	switch where {
	case "TRUE":
		return true
	case "as_of = @as_of":
		return text(r, "as_of") == *params["as_of"]
	case "run_id = @run_id":
		return text(r, "run_id") == *params["run_id"]
	case "as_of < @keep_from":
		return text(r, "as_of") < *params["keep_from"]
	}
	panic("the engine does not know the condition " + where)
}

func count(records []arrow.Record, where string, params map[string]*string) (n int64) {
	for _, r := range records {
		if matches(r, where, params) {
			n += r.NumRows()
		}
	}
	return n
}

// widened is r with the columns of schema, NULL where it lacks them.
func widened(r arrow.Record, schema *arrow.Schema) arrow.Record {
	arrays := make([]arrow.Array, schema.NumFields())
	for i, f := range schema.Fields() {
		if at := r.Schema().FieldIndices(f.Name); len(at) > 0 {
			arrays[i] = r.Column(at[0])
			continue
		}
		b := array.NewBuilder(memory.DefaultAllocator, f.Type)
		b.AppendNulls(int(r.NumRows()))
		arrays[i] = b.NewArray()
	}
	return array.NewRecord(schema, arrays, r.NumRows())
}

// plainName is the name P.D.T of a quoted one.
func plainName(quoted string) string { return strings.ReplaceAll(quoted, "`", "") }

func (e *engine) rows(quoted string) ([]arrow.Record, error) {
	_, records, err := e.rest.Table(plainName(quoted))
	return records, err
}

// published returns the records of a table of the output data set.
func (e *engine) published(name string) []arrow.Record {
	_, records, _ := e.rest.Table(output + "." + name)
	return records
}

// ledger is the result of the query of that name.
func (e *engine) ledger() (*arrow.Schema, []arrow.Record) {
	empty := eventOf(map[string]*string{"as_of": nil, "started_at": new(epoch), "ended_at": new(epoch)})
	pick := func(r arrow.Record) arrow.Record {
		var fields []arrow.Field
		var arrays []arrow.Array
		for _, name := range []string{"run_id", "name", "as_of", "digest", "state", "backfill", "ended_at"} {
			i := r.Schema().FieldIndices(name)[0]
			fields, arrays = append(fields, r.Schema().Field(i)), append(arrays, r.Column(i))
		}
		return array.NewRecord(arrow.NewSchema(fields, nil), arrays, r.NumRows())
	}
	var out []arrow.Record
	for _, r := range e.published(warehouse.Runs.Name) {
		out = append(out, pick(r))
	}
	return pick(empty).Schema(), out
}

const epoch = "1970-01-01 00:00:00+00:00"

// current is the newest published date, by the ledger.
func (e *engine) current() (date string) {
	for _, r := range e.published(warehouse.Runs.Name) {
		if text(r, "state") == string(warehouse.Published) && text(r, "backfill") == "false" {
			date = max(date, text(r, "as_of"))
		}
	}
	return date
}

// summary says what readers see: each table's records, as RUN xROWS, and the ledger's lines.
func (e *engine) summary() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := map[string][]string{}
	for _, name := range e.rest.Names(output) {
		name = strings.TrimPrefix(name, output+".")
		for _, r := range e.published(name) {
			switch name {
			case lockTable:
			case warehouse.Runs.Name:
				out[name] = append(out[name], text(r, "run_id")[:12]+" "+text(r, "state"))
			default:
				out[name] = append(out[name], fmt.Sprintf("%s x%d", text(r, "run_id")[:12], r.NumRows()))
			}
		}
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(out)) {
		slices.Sort(out[name])
		lines = append(lines, name+": "+strings.Join(out[name], ", "))
	}
	return strings.Join(lines, "; ")
}
