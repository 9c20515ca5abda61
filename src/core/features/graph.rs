//! From wishes to computations: what one interval of one symbol has to compute, each thing once, inputs first.

use super::node::{Band, BandCells, Cell, Node, Source, Work};
use super::{Feature, FeatureSpec, MacdLine, need};
use crate::indicators::{
    Adx, Atr, Bollinger, Cci, Ema, EmaFromFirst, LANES, Lagged, Macd, Momentum, Obv, RateOfChange, Rsi, Sma,
    StochasticRawK, VolumeRatio, ZScores,
};
use crate::model::Interval;

/// Builds the computations of one interval. A wanted feature stands in the cell of its slot; what is only an
/// input of others stands behind the slots.
pub(super) struct Graph<'a> {
    interval: Interval,
    specs: &'a [FeatureSpec],
    /// How many cells the symbol has so far.
    cells: usize,
    nodes: Vec<Node>,
    /// Features that have a node, and where they stand.
    known: Vec<(Feature, Cell)>,
    bands: Vec<(u32, BandCells)>,
    /// Scores that have a cell and no node yet: window, source, cell.
    scores: Vec<(u32, Source, Cell)>,
}

impl<'a> Graph<'a> {
    /// Computations for the wishes on `interval` among `specs`; hidden cells begin at `cells`. Returns them and how many
    /// cells there are now.
    pub(super) fn build(interval: Interval, specs: &'a [FeatureSpec], cells: usize) -> (Vec<Node>, usize) {
        let (nodes, known, bands, scores) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut graph = Self { interval, specs, cells, nodes, known, bands, scores };
        let wanted = specs.iter().filter(|spec| spec.interval == interval).map(|spec| &spec.feature);
        // What rests on a score comes last, so that the scores before it are taken four at a time.
        let (after, before): (Vec<&Feature>, Vec<&Feature>) = wanted.partition(|feature| rests_on_score(feature));
        for feature in before.into_iter().chain(after) {
            graph.cell(feature);
        }
        graph.place_scores();
        (spread_out(graph.nodes), graph.cells)
    }

    /// The cell in which `feature` stands, with the nodes that compute it.
    fn cell(&mut self, feature: &Feature) -> Cell {
        if let Some((_, cell)) = self.known.iter().find(|(known, _)| known == feature) {
            return *cell;
        }
        let n = |period: &u32| *period as usize;
        let work = match feature {
            Feature::Close => Work::Close,
            Feature::Volume => Work::Volume,
            Feature::Rsi { period } => Work::Rsi(Rsi::new(n(period))),
            Feature::Macd { fast, slow, signal, line } => return self.macd(*fast, *slow, *signal, *line),
            Feature::BbMiddle { period } => return self.bands(*period).middle,
            Feature::BbUpper { period, deviations_x100 } => self.band(Band::Upper, *period, *deviations_x100),
            Feature::BbLower { period, deviations_x100 } => self.band(Band::Lower, *period, *deviations_x100),
            Feature::BbWidth { period, deviations_x100 } => self.band(Band::Width, *period, *deviations_x100),
            Feature::BbPosition { period, deviations_x100 } => self.band(Band::Position, *period, *deviations_x100),
            Feature::Atr { period } => Work::Atr(Atr::new(n(period))),
            Feature::Cci { period } => Work::Cci(Cci::new(n(period))),
            Feature::StochRawK { period } => Work::StochasticRawK(StochasticRawK::new(n(period))),
            Feature::StochK { period, slowing } => self.smooth(*slowing, &Feature::StochRawK { period: *period }),
            Feature::StochD { period, slowing, smooth } => {
                self.smooth(*smooth, &Feature::StochK { period: *period, slowing: *slowing })
            }
            Feature::Obv => Work::Obv(Obv::new()),
            Feature::Sma { period } => Work::Sma(Sma::new(n(period))),
            Feature::Ema { period } => Work::Ema(Ema::new(n(period))),
            Feature::EmaFromFirst { period } => Work::EmaFromFirst(EmaFromFirst::new(n(period))),
            Feature::Momentum { period } => Work::Momentum(Momentum::new(n(period))),
            Feature::Roc { period } => Work::Roc(RateOfChange::new(n(period))),
            Feature::Adx { period } => Work::Adx(Adx::new(n(period))),
            Feature::VolumeRatio { period } => Work::VolumeRatio(VolumeRatio::new(n(period))),
            Feature::Change { ms } => Work::Change(RateOfChange::new(need::change_candles(*ms, self.interval))),
            Feature::TrendStrength { fast, slow, adx } => Work::TrendStrength(
                self.cell(&Feature::Sma { period: *fast }),
                self.cell(&Feature::Sma { period: *slow }),
                self.cell(&Feature::Adx { period: *adx }),
            ),
            Feature::Lag { of, candles: 1 } => Work::Previous(f64::NAN, self.input(of)),
            Feature::Lag { of, candles } => Work::Lag(Lagged::new(n(candles)), self.input(of)),
            Feature::Deviation { of, window } => Work::Deviation(Bollinger::new(n(window)), self.input(of)),
            Feature::ZScore { of, window } => {
                let source = self.input(of);
                let cell = self.place(feature);
                self.scores.push((*window, source, cell));
                return cell;
            }
        };
        let to = self.place(feature);
        self.nodes.push(Node { work, to });
        to
    }

    /// The slot of `feature` where it is wanted, a hidden cell where not; remembers it.
    fn place(&mut self, feature: &Feature) -> Cell {
        let wanted = self.specs.iter().position(|spec| spec.interval == self.interval && spec.feature == *feature);
        let cell = wanted.unwrap_or_else(|| self.hidden());
        self.known.push((feature.clone(), cell));
        cell
    }

    fn hidden(&mut self) -> Cell {
        self.cells += 1;
        self.cells - 1
    }

    /// The cell of a feature that another one is about to be computed from.
    fn input(&mut self, of: &Feature) -> Source {
        let source = self.cell(of);
        if has_score(of) {
            self.place_scores();
        }
        source
    }

    /// Nodes for the scores that have none yet, those of one window together.
    fn place_scores(&mut self) {
        let mut scores = std::mem::take(&mut self.scores);
        scores.sort_by_key(|(window, ..)| *window);
        for alike in scores.chunk_by(|(one, ..), (other, ..)| one == other) {
            for lanes in alike.chunks(LANES) {
                let (window, _, to) = lanes[0];
                let lane = |lane: usize| lanes.get(lane).unwrap_or(&lanes[0]);
                let work = Work::ZScores(
                    ZScores::new(window as usize),
                    std::array::from_fn(|place| lane(place).1),
                    std::array::from_fn(|place| lane(place).2),
                );
                self.nodes.push(Node { work, to });
            }
        }
    }

    fn smooth(&mut self, period: u32, of: &Feature) -> Work {
        let source: Source = self.cell(of);
        Work::Smooth(Sma::new(period as usize), source)
    }

    fn band(&mut self, band: Band, period: u32, deviations_x100: u32) -> Work {
        let cells = self.bands(period);
        Work::Band(band, f64::from(deviations_x100) / 100.0, cells)
    }

    /// The statistics that all bands of a period share.
    fn bands(&mut self, period: u32) -> BandCells {
        if let Some((_, cells)) = self.bands.iter().find(|(known, _)| *known == period) {
            return *cells;
        }
        let middle = self.place(&Feature::BbMiddle { period });
        let cells = BandCells { middle, deviation: self.hidden(), distance: self.hidden() };
        self.bands.push((period, cells));
        let work = Work::Bollinger(Bollinger::new(period as usize), cells.deviation, cells.distance);
        self.nodes.push(Node { work, to: middle });
        cells
    }

    /// All three lines of one MACD; returns where `line` stands.
    fn macd(&mut self, fast: u32, slow: u32, signal: u32, line: MacdLine) -> Cell {
        let [to, signal_to, histogram_to] = [MacdLine::Macd, MacdLine::Signal, MacdLine::Histogram]
            .map(|line| self.place(&Feature::Macd { fast, slow, signal, line }));
        let macd = Macd::new(fast as usize, slow as usize, signal as usize);
        self.nodes.push(Node { work: Work::Macd(macd, signal_to, histogram_to), to });
        match line {
            MacdLine::Macd => to,
            MacdLine::Signal => signal_to,
            MacdLine::Histogram => histogram_to,
        }
    }
}

/// So many nodes later the outputs of a node are there without a wait.
const DELAY: usize = 4;

/// Orders nodes so that what reads another's output stands some nodes behind it, where that can be: a processor works on a
/// few nodes at a time, and waits where they form a chain.
fn spread_out(nodes: Vec<Node>) -> Vec<Node> {
    let writes: Vec<Vec<Cell>> = nodes.iter().map(Node::cells).collect();
    let inputs: Vec<Vec<usize>> = nodes
        .iter()
        .map(|node| {
            let reads = node.sources();
            (0..nodes.len()).filter(|other| writes[*other].iter().any(|cell| reads.contains(cell))).collect()
        })
        .collect();
    // Nodes come after their inputs, so the longest ways to an end are known from the last one back.
    let mut height = vec![0; nodes.len()];
    for node in (0..nodes.len()).rev() {
        for input in &inputs[node] {
            height[*input] = height[*input].max(height[node] + 1);
        }
    }
    let mut place = vec![None; nodes.len()];
    for at in 0..nodes.len() {
        let ready = |node: &usize| place[*node].is_none() && inputs[*node].iter().all(|input| place[*input].is_some());
        let wait = |node: usize| {
            let last = inputs[node].iter().filter_map(|input| place[*input]).max();
            last.map_or(0, |last: usize| (last + DELAY).saturating_sub(at))
        };
        let next = (0..nodes.len()).filter(ready).min_by_key(|node| (wait(*node), std::cmp::Reverse(height[*node])));
        place[next.expect("invariant: nodes form no circle")] = Some(at);
    }
    let mut order: Vec<(Option<usize>, Node)> = place.into_iter().zip(nodes).collect();
    order.sort_by_key(|(place, _)| *place);
    order.into_iter().map(|(_, node)| node).collect()
}

fn has_score(feature: &Feature) -> bool {
    match feature {
        Feature::ZScore { .. } => true,
        Feature::Lag { of, .. } | Feature::Deviation { of, .. } => has_score(of),
        _ => false,
    }
}

/// Computed from a score, rather than being one.
fn rests_on_score(feature: &Feature) -> bool {
    matches!(feature, Feature::Lag { of, .. } | Feature::ZScore { of, .. } | Feature::Deviation { of, .. } if has_score(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_comes_after_all_that_it_reads() {
        let boxed = |feature: Feature| Box::new(feature);
        let stochastic = Feature::StochK { period: 5, slowing: 3 };
        let trend = Feature::TrendStrength { fast: 3, slow: 8, adx: 4 };
        let score = |of: &Feature| Feature::ZScore { of: boxed(of.clone()), window: 9 };
        let wanted = [
            Feature::Lag { of: boxed(score(&trend)), candles: 2 },
            Feature::StochD { period: 5, slowing: 3, smooth: 2 },
            Feature::Deviation { of: boxed(Feature::Lag { of: boxed(Feature::Close), candles: 1 }), window: 4 },
            score(&stochastic),
            Feature::BbPosition { period: 6, deviations_x100: 200 },
            score(&Feature::Lag { of: boxed(score(&Feature::Volume)), candles: 1 }),
            Feature::Macd { fast: 3, slow: 5, signal: 2, line: MacdLine::Histogram },
        ];
        let specs = wanted.map(|feature| FeatureSpec { interval: Interval::M5, feature });
        let (nodes, cells) = Graph::build(Interval::M5, &specs, specs.len());
        let mut written = vec![false; cells];
        for node in &nodes {
            assert!(node.sources().iter().all(|cell| written[*cell]), "{node:?}");
            node.cells().iter().for_each(|cell| written[*cell] = true);
        }
        assert!(written.iter().all(|written| *written), "and every cell is written");
    }
}
