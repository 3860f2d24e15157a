package clv

import (
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// What clv says about each customer. Orders are purchase days: orders of one day count as one. All but Status are NULL
// where Status says that they are not known. The horizon is the configured one.
var (
	PAlive = frame.Float64("p_alive", "Probability that the customer has not left for good. "+
		"With the model bgnbd it is 1 for everybody who bought once.").In("probability").Null()
	PPurchase30d = frame.Float64("p_purchase_30d", "Probability of at least one order in the 30 days after the as-of day.").
			In("probability").Null()
	PPurchase60d = frame.Float64("p_purchase_60d", "Probability of at least one order in the 60 days after the as-of day.").
			In("probability").Null()
	PPurchase90d = frame.Float64("p_purchase_90d", "Probability of at least one order in the 90 days after the as-of day.").
			In("probability").Null()

	ExpectedOrders90d = frame.Float64("expected_orders_90d", "Expected number of orders in the 90 days after the as-of day. "+
		"It contains the probability of being alive.").In("orders").Null()
	ExpectedValue90d = frame.Float64("expected_value_90d", "Expected value of those orders, not discounted.").In("money").Null()

	HorizonDays = frame.Int64("horizon_days", "How far expected_orders, orders_low, orders_high and clv_revenue look ahead.").
			In("days").Null()
	ExpectedOrders = frame.Float64("expected_orders", "Expected number of orders within the horizon. "+
		"It contains the probability of being alive.").In("orders").Null()
	OrdersLow = frame.Int64("orders_low", "Lower end of the 80 % prediction interval of the number of orders within the "+
		"horizon: the 10 % quantile, the model's parameters taken as known.").In("orders").Null()
	OrdersHigh = frame.Int64("orders_high", "Upper end of that interval: the 90 % quantile. NULL above 10,000.").In("orders").Null()

	ExpectedOrderValue = frame.Float64("expected_order_value", "Expected value of an order: between the customer's own mean and "+
		"everybody's, nearer to the own the more repeat orders there are; everybody's for one-time buyers.").In("money an order").Null()
	Revenue = frame.Float64("clv_revenue", "Expected revenue within the horizon, discounted: the orders expected in each month "+
		"of 30.4375 days, times expected_order_value, discounted at the yearly rate from the end of the month.").In("money").Null()

	ExpectedNextOrderDate = frame.Date("expected_next_order_date", "The day by which another order is as likely as not, the customer's "+
		"having left allowed for; NULL where that is not within the horizon.").Null()

	Status = frame.String("clv_status", "ok; "+
		"uncalibrated: as ok, but the customer bought on one day only, and the probabilities of one-time buyers have not "+
		"been held against what came; "+
		"no_spend_model: money is NULL, since what repeat buyers spend could not be modeled; "+
		"spend_not_positive: money is NULL, since the customer's mean repeat spend is not above zero; "+
		"no_purchase: never bought; "+
		"invalid_history: the purchase days contradict each other; "+
		"no_model: too few repeat buyers to learn from; "+
		"not_converged: the fit did not converge; "+
		"worse_than_naive: withheld, since the backtest found a naive forecast as good in every respect; "+
		"value_worse_than_naive: so is the money alone.").
		OneOf(statusOK, statusUncalibrated, statusNoSpendModel, statusSpendNotPositive, statusNoPurchase,
			statusInvalidHistory, statusNoModel, statusNotConverged, WorseThanNaive, ValueWorseThanNaive)
)

// The statuses of forecasts that the job withholds, all of them or those of money; no model gives them itself.
const (
	WorseThanNaive      = "worse_than_naive"
	ValueWorseThanNaive = "value_worse_than_naive"
)

const (
	statusOK               = "ok"
	statusUncalibrated     = "uncalibrated"
	statusNoSpendModel     = "no_spend_model"
	statusSpendNotPositive = "spend_not_positive"
	statusNoPurchase       = "no_purchase"
	statusInvalidHistory   = "invalid_history"
	statusNoModel          = "no_model"
	statusNotConverged     = "not_converged"
)

func fitInputs() []frame.Column {
	return []frame.Column{
		customer.BtydX.Column, customer.BtydTx.Column, customer.BtydAge.Column, customer.MonetaryRepeatMean.Column,
	}
}

func inputs() []frame.Column { return append(fitInputs(), customer.AsOf.Column) }

func outputs() []frame.Column {
	return []frame.Column{
		PAlive.Column, PPurchase30d.Column, PPurchase60d.Column, PPurchase90d.Column,
		ExpectedOrders90d.Column, ExpectedValue90d.Column,
		HorizonDays.Column, ExpectedOrders.Column, OrdersLow.Column, OrdersHigh.Column,
		ExpectedOrderValue.Column, Revenue.Column, ExpectedNextOrderDate.Column, Status.Column,
	}
}
