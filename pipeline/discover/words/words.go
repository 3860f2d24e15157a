// Package words reads the names of tables and columns: in words, whatever the notation and in several languages, and with what
// canonical columns are called elsewhere.
package words

import (
	_ "embed" // the vocabulary
	"slices"
	"strings"
	"unicode"
)

// folded letters, so that names in several languages compare.
var folded = strings.NewReplacer("ä", "a", "ö", "o", "ü", "u", "ß", "ss", "é", "e", "è", "e", "ê", "e", "á", "a", "à", "a", "í", "i",
	"ó", "o", "ò", "o", "ú", "u", "ñ", "n", "ç", "c", "#", " number ", "№", " number ", "%", " percent ",
	"e-mail", "email", "E-Mail", "email", "E-mail", "email")

// synonyms are words that names use for one another, after folding.
var synonyms = map[string]string{
	"no": "number", "nr": "number", "num": "number", "nummer": "number", "numero": "number", "nbr": "number",
	"identifier": "id", "uid": "id", "guid": "id", "uuid": "id", "ids": "id",
	"datum": "date", "fecha": "date", "dt": "date",
	"timestamp": "time", "ts": "time", "zeit": "time", "zeitpunkt": "time", "datetime": "time",
	"mail": "email", "emails": "email", "betrag": "amount", "amt": "amount", "montant": "amount", "importe": "amount",
	"qty": "quantity", "menge": "quantity", "anzahl": "quantity", "stuck": "quantity", "units": "quantity", "cantidad": "quantity",
	"preis": "price", "prix": "price", "precio": "price", "rabatt": "discount", "disc": "discount", "discounts": "discount",
	"kunde": "customer", "kunden": "customer", "kaufer": "customer", "besteller": "customer", "acheteur": "customer", "comprador": "customer",
	"client": "customer", "cliente": "customer", "cust": "customer", "kd": "customer", "kdn": "customer",
	"bestellung": "order", "bestell": "order", "auftrag": "order", "auftrags": "order", "commande": "order", "pedido": "order", "ordine": "order",
	"rechnung": "invoice", "rechnungs": "invoice", "facture": "invoice", "factura": "invoice", "beleg": "invoice", "belegs": "invoice", "receipt": "invoice",
	"summe": "total", "gesamt": "total", "gesamtbetrag": "total", "gesamtsumme": "total", "gesamtpreis": "total",
	"umsatz": "revenue", "erloes": "revenue", "wahrung": "currency", "waehrung": "currency", "devise": "currency",
	"land": "country", "pays": "country", "pais": "country", "stadt": "city", "ort": "city", "ville": "city", "ciudad": "city",
	"geschlecht": "gender", "sex": "gender", "geburtsdatum": "birthdate", "geburtstag": "birthdate", "dob": "birthdate",
	"kategorie": "category", "artikel": "product", "produkt": "product", "item": "product", "sku": "product",
	"kanal": "channel", "filiale": "store", "laden": "store", "shop": "store", "telefon": "phone", "mobile": "phone", "firma": "company",
	"storniert": "cancelled", "canceled": "cancelled", "erstellt": "created", "angelegt": "created",
}

// joined are words that German and some shops write as one.
var joined = map[string][]string{
	"kundennummer": {"customer", "number"}, "kundennr": {"customer", "number"}, "kundenid": {"customer", "id"}, "customerid": {"customer", "id"},
	"kdnr": {"customer", "number"}, "kundenstamm": {"customer"}, "klickdatum": {"click", "date"}, "werbekosten": {"ad", "costs"},
	"adspend": {"ad", "spend"}, "abtest": {"ab", "test"}, "abtests": {"ab", "tests"},
	"bestellnummer": {"order", "number"}, "bestellnr": {"order", "number"}, "auftragsnummer": {"order", "number"}, "auftragsnr": {"order", "number"},
	"rechnungsnummer": {"invoice", "number"}, "rechnungsnr": {"invoice", "number"}, "belegnummer": {"invoice", "number"}, "belegnr": {"invoice", "number"},
	"bestelldatum": {"order", "date"}, "auftragsdatum": {"order", "date"}, "rechnungsdatum": {"invoice", "date"}, "belegdatum": {"invoice", "date"},
	"kaufdatum": {"purchase", "date"}, "orderid": {"order", "id"}, "orderdate": {"order", "date"}, "userid": {"user", "id"},
	"einzelpreis": {"unit", "price"}, "stuckpreis": {"unit", "price"}, "unitprice": {"unit", "price"}, "bestellwert": {"order", "value"},
	"artikelnummer": {"product", "number"}, "artikelnr": {"product", "number"}, "stockcode": {"product", "id"}, "lineitem": {"line"},
	"optin": {"opt", "in"}, "optout": {"opt", "out"}, "datecreated": {"created", "date"},
}

// Of cuts a name into lower-case words: InvoiceNo is invoice, number.
func Of(name string) []string {
	var b strings.Builder
	last := ' '
	runes := []rune(folded.Replace(name))
	for i, r := range runes {
		if unicode.IsUpper(r) && (unicode.IsLower(last) || unicode.IsDigit(last) ||
			unicode.IsUpper(last) && i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte(' ')
		}
		last = r
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(unicode.ToLower(r))
		} else {
			b.WriteByte(' ')
		}
	}
	var out []string
	for _, w := range strings.Fields(folded.Replace(b.String())) {
		if parts, ok := joined[w]; ok {
			out = append(out, parts...)
			continue
		}
		if s, ok := synonyms[w]; ok {
			w = s
		}
		out = append(out, w)
	}
	return out
}

// A meaning is what a canonical column is called: its names, the plainest first, and words that they never have.
type meaning struct{ names, never []string }

// A vocabulary is the meanings of the canonical columns of a source.
type vocabulary map[string]meaning

//go:embed vocabulary.txt
var vocabularyText string

// vocabularies are those of the sources; tableWords are what their tables are called.
var vocabularies, tableWords = readVocabulary(vocabularyText)

// readVocabulary reads the form that vocabulary.txt describes.
func readVocabulary(text string) (all map[string]vocabulary, tables map[string][]string) {
	all, tables = map[string]vocabulary{}, map[string][]string{}
	who, source := meaning{}, ""
	for l := range strings.Lines(strings.ReplaceAll(text, "\n  ", " ")) {
		if l = strings.TrimSpace(l); l == "" || l[0] == '#' {
			continue
		}
		if l[0] == '[' {
			source = strings.Trim(l, "[]")
			all[source] = vocabulary{}
			continue
		}
		key, list, _ := strings.Cut(l, ": ")
		column, never := strings.CutSuffix(key, " never")
		m := all[source][column]
		switch {
		case source == "" && never:
			who.never = strings.Fields(list)
		case source == "":
			who.names = strings.Split(list, ", ")
		case key == "tables":
			tables[source] = strings.Split(list, ", ")
		case never:
			m.never = with(strings.Fields(list), who.never)
			all[source][column] = m
		default:
			m.names = with(strings.Split(list, ", "), who.names)
			all[source][column] = m
		}
	}
	return all, tables
}

// with returns list with others in place of its word who.
func with(list, others []string) []string {
	if i := slices.Index(list, "who"); i >= 0 {
		return slices.Replace(slices.Clone(list), i, i+1, others...)
	}
	return list
}

// NameTable says whether word is in the names of tables that are the source.
func NameTable(source, word string) bool { return slices.Contains(tableWords[source], word) }

// Never says whether name, cut into words, has one that names of the canonical column of the source never have.
func Never(source, column string, name []string) bool {
	never := vocabularies[source][column].never
	return slices.ContainsFunc(name, func(w string) bool { return slices.Contains(never, w) })
}

// Score says how well name, cut into words, fits what the canonical column of the source is called, from 0 to 100. nouns are
// the words of the table's name, which columns often repeat.
func Score(source, column string, name, nouns []string) int {
	if len(name) == 0 || Never(source, column, name) {
		return 0
	}
	best := 0
	for i, phrase := range vocabularies[source][column].names {
		want := strings.Fields(phrase)
		s := 0
		switch {
		case slices.Equal(name, want):
			s = 98 - min(i, 24)
		case len(name) == len(want)+1 && slices.Contains(nouns, name[0]) && slices.Equal(name[1:], want):
			s = 90 - min(i, 24)
		case len(name) > len(want) && Contain(name, want) && (len(want) > 1 || len(want[0]) > 3):
			s = 62 - min(i, 20) - 4*(len(name)-len(want))
		}
		best = max(best, s)
	}
	return best
}

// Contain says whether the words of part follow one another in name.
func Contain(name, part []string) bool {
	for i := 0; i+len(part) <= len(name); i++ {
		if slices.Equal(name[i:i+len(part)], part) {
			return true
		}
	}
	return false
}
