package validation

// priorCustomers is how many customers at the base rate each segment is given beside its own, so that the rate of a
// few does not lead the order.
const priorCustomers = 20

// EarlierScores returns a score of each segment from the counts of an earlier origin, whose horizon ended before the
// conversions that will be judged: its conversion rate, shrunk towards that of all customers as if by twenty customers
// more who convert at that rate (the mean of a beta posterior). Segments of order, the declared one, that nobody was
// in get the rate of all. Where nobody converted or everybody did, rates say nothing and the scores are those of
// [OrderScores].
func EarlierScores(counts []Count, order []string) map[string]float64 {
	var customers, converters int64
	for _, c := range counts {
		customers += c.Customers
		converters += c.Converters
	}
	if converters <= 0 || converters >= customers {
		return OrderScores(order)
	}
	base := float64(converters) / float64(customers)
	scores := make(map[string]float64, len(order))
	for _, segment := range order {
		scores[segment] = base
	}
	for _, c := range counts {
		scores[c.Segment] = (float64(c.Converters) + priorCustomers*base) / (float64(c.Customers) + priorCustomers)
	}
	return scores
}

// OrderScores returns a score of each segment of order, which goes from the segment expected to convert the most to
// the one expected to convert the least.
func OrderScores(order []string) map[string]float64 {
	scores := make(map[string]float64, len(order))
	for i, segment := range order {
		scores[segment] = float64(len(order) - i)
	}
	return scores
}
