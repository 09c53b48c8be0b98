#include "flexmig/sim/communication.h"

#include <algorithm>
#include <cmath>

#include "flexmig/base/strings.h"
#include "flexmig/trace/duration_text.h"

namespace flexmig::sim {
namespace {

__extension__ using Wide = __int128;

constexpr int64_t kMillion = 1'000'000;

// Nanoseconds; a step of less than one is taken as one.
struct StepTimes {
  Wide compute;
  Wide links;    // of the exchange, within nodes
  Wide network;  // and between them
  Wide exposed;  // of both, what computation does not hide
};

StepTimes TimesOf(const Communication& model, int64_t compute_speed,
                  const Communication::Load& load) {
  StepTimes times{};
  times.compute =
      std::max<Wide>(static_cast<Wide>(model.step.count()) * 1000 * kMillion / compute_speed, 1);
  const auto transfer = [&](int64_t micro_gradients, Bytes per_second) {
    const Wide bytes = static_cast<Wide>(model.gradient.count()) * micro_gradients / kMillion;
    return bytes * 1'000'000'000 / per_second.count();
  };
  times.links = static_cast<Wide>(model.latency.count()) * 1000 +
                transfer(load.micro_ranks, model.link_per_second);
  times.network = transfer(load.micro_gradients, model.network_per_second);
  times.exposed =
      std::max<Wide>(times.links + times.network - times.compute * model.overlap / kMillion, 0);
  return times;
}

Result<int64_t> ParseShare(std::string_view text, double least) {
  FLEXMIG_ASSIGN_OR_RETURN(const double share, ParseDouble(text, least, 1));
  return std::llround(share * 1e6);
}

Status ParsePart(std::string_view key, std::string_view value, Communication& model) {
  constexpr sched::Duration kMaxTime = std::chrono::hours(1);
  if (key == "gradient" || key == "link" || key == "network") {
    FLEXMIG_ASSIGN_OR_RETURN(const Bytes bytes, ParseBytes(value));
    if (bytes.count() == 0) return InvalidArgumentError("is zero");
    (key == "link"      ? model.link_per_second
     : key == "network" ? model.network_per_second
                        : model.gradient) = bytes;
  } else if (key == "step" || key == "latency") {
    FLEXMIG_ASSIGN_OR_RETURN(const sched::Duration time, trace::ParseDuration(value));
    if (time > kMaxTime) return InvalidArgumentError("is above 1h");
    if (key == "step" && time.count() == 0) return InvalidArgumentError("is zero");
    (key == "step" ? model.step : model.latency) = time;
  } else if (key == "overlap") {
    FLEXMIG_ASSIGN_OR_RETURN(model.overlap, ParseShare(value, 0));
  } else {
    return InvalidArgumentError("is none of gradient, step, link, latency, overlap, network");
  }
  return OkStatus();
}

}  // namespace

Result<Communication> Communication::Parse(std::string_view text) {
  constexpr std::string_view kLinksName = "links";
  Communication model;
  if (text == "none") {
    model.efficiency = kMillion;
    return model;
  }
  if (!text.starts_with(kLinksName)) {
    auto efficiency = ParseShare(text, 0.01);
    if (!efficiency.ok()) {
      return InvalidArgumentError(
          StrCat("'", text, "' is not none, a share from 0.01 to 1, or links[:KEY=VALUE,...]"));
    }
    model.efficiency = *efficiency;
    return model;
  }
  model.kind = Kind::kLinks;
  std::string_view rest = text.substr(kLinksName.size());
  if (rest.empty()) return model;
  if (!rest.starts_with(':')) return InvalidArgumentError(StrCat("'", text, "' is not links:..."));
  for (const std::string_view part : StrSplit(rest.substr(1), ',')) {
    const size_t equals = std::min(part.find('='), part.size());
    const Status parsed =
        ParsePart(part.substr(0, equals), part.substr(std::min(equals + 1, part.size())), model);
    if (!parsed.ok()) return InvalidArgumentError(StrCat("'", part, "': ", parsed.message()));
  }
  return model;
}

std::string Communication::Describe() const {
  const auto share = [](int64_t millionths) {
    return FormatFixed(static_cast<double>(millionths) / 1e6, 2);
  };
  if (kind == Kind::kEfficiency) {
    if (efficiency == kMillion) return "costs nothing";
    return StrCat("k leaves run at ", share(efficiency),
                  " of one instance of k slices (an assumption)");
  }
  const auto unit = [](Bytes bytes, double size) {
    return FormatFixed(static_cast<double>(bytes.count()) / size, 1);
  };
  return StrCat("a step of ", trace::FormatDuration(step), " on a whole GPU exchanges ",
                unit(gradient, 1e6), " MB a rank through host links of ",
                unit(link_per_second, 1e9), " GB/s each way, shared by all ranks of a GPU, ",
                trace::FormatDuration(latency), " latency, hidden up to ", share(overlap),
                " of the step; jobs over nodes share ", unit(network_per_second, 1e9),
                " GB/s each way a node (assumptions)");
}

int64_t Communication::SpeedUnder(int64_t compute_speed, const Load& load) const {
  if (kind == Kind::kEfficiency) {
    return static_cast<int64_t>((static_cast<Wide>(compute_speed) * efficiency + kMillion / 2) /
                                kMillion);
  }
  const StepTimes times = TimesOf(*this, compute_speed, load);
  const Wide speed =
      static_cast<Wide>(compute_speed) * times.compute / (times.compute + times.exposed);
  return std::max<int64_t>(static_cast<int64_t>(speed), 1);
}

Communication::Shares Communication::SharesOf(int64_t compute_speed, const Load& own) const {
  if (kind == Kind::kEfficiency) return {};
  const StepTimes times = TimesOf(*this, compute_speed, own);
  const auto share = [&](Wide time) {
    return static_cast<int64_t>(
        std::min<Wide>(time * kMillion / (times.compute + times.exposed), kMillion));
  };
  return {share(times.links), share(times.network)};
}

}  // namespace flexmig::sim
