//! Plots as SVG for the page, drawn by plotters. Colours are written as fixed values that the page's style sheet
//! exchanges in the dark. Knows axes, lines and bars, and nothing of what they mean.

use super::html::escape;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use swarm_core::model::{DAY_MS, Time};

/// Width of a plot in pixels; the page scales it down.
const WIDTH: u32 = 960;
/// Height of a plot.
const HEIGHT: u32 = 280;
/// Colours of lines, told apart also by those who see no red or green; `style.css` has the ones for the dark.
const PALETTE: [RGBColor; 8] = [
    RGBColor(0x1b, 0x6c, 0xa8),
    RGBColor(0xc4, 0x4e, 0x0c),
    RGBColor(0x1d, 0x80, 0x5f),
    RGBColor(0xa0, 0x3c, 0x8c),
    RGBColor(0x8a, 0x6d, 0x00),
    RGBColor(0x4d, 0x4d, 0xb3),
    RGBColor(0xa8, 0x32, 0x3e),
    RGBColor(0x5e, 0x6b, 0x73),
];
/// Most lines that one plot can tell apart.
pub(super) const LINES_MAX: usize = PALETTE.len();
const TEXT: RGBColor = RGBColor(0x11, 0x12, 0x13);
const GRID: RGBColor = RGBColor(0xdd, 0xde, 0xdf);
const BACK: RGBColor = RGBColor(0xfe, 0xff, 0xfe);

/// A line and its name.
pub(super) struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// What one plot shows.
pub(super) struct Plot<'a> {
    /// What a screen reader says.
    pub title: &'a str,
    /// Words for a value on the vertical axis.
    pub value: &'a dyn Fn(f64) -> String,
    /// The vertical axis reaches at least here.
    pub includes: Option<f64>,
}

/// Why a plot could not be drawn; its text stands on the page instead.
type Fault = Box<dyn std::error::Error>;

fn range(values: impl Iterator<Item = f64>, includes: Option<f64>) -> (f64, f64) {
    let (low, high) = values
        .chain(includes)
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return (0.0, 1.0);
    }
    let room = if high > low { (high - low) * 0.04 } else { high.abs().max(1.0) * 0.01 };
    (low - room, high + room)
}

/// A date below the axis; with the hour where the whole plot is short.
fn date(at: f64, span_ms: f64) -> String {
    let text = Time(at as i64).to_string();
    let hours = span_ms < 4.0 * DAY_MS as f64;
    if hours {
        text.get(5..16).unwrap_or_default().replace('T', " ")
    } else {
        text.get(..10).unwrap_or_default().into()
    }
}

/// The frame that every plot has, ready to be drawn into.
type Frame<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

fn frame<'a>(
    root: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    (x, y): ((f64, f64), (f64, f64)),
) -> Result<Frame<'a>, Fault> {
    root.fill(&BACK)?;
    let frame = ChartBuilder::on(root)
        .margin_top(8)
        .margin_right(18)
        .x_label_area_size(28)
        .y_label_area_size(78)
        .build_cartesian_2d(x.0..x.1, y.0..y.1)?;
    Ok(frame)
}

fn mesh(frame: &mut Frame<'_>, x: &dyn Fn(f64) -> String, y: &dyn Fn(f64) -> String) -> Result<(), Fault> {
    let font = ("sans-serif", 13).into_font().color(&TEXT);
    frame
        .configure_mesh()
        .x_labels(8)
        .y_labels(6)
        .label_style(font)
        .axis_style(TEXT)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .max_light_lines(1)
        .x_label_formatter(&|at| x(*at))
        .y_label_formatter(&|value| y(*value))
        .draw()?;
    Ok(())
}

/// The drawing as an element of the page: without the name of its namespace, which inline SVG does not need, and
/// with a title for those who do not see it.
fn inline(svg: &str, title: &str) -> String {
    let body = svg.replace(" xmlns=\"http://www.w3.org/2000/svg\"", "");
    let open = format!("<svg class=\"plot\" role=\"img\" aria-label=\"{}\" ", escape(title));
    body.replacen("<svg ", &open, 1)
}

fn legend(names: &[&str]) -> String {
    let key = |(index, name): (usize, &&str)| format!(r#"<span class="key k{index}">{}</span>"#, escape(name));
    format!(r#"<p class="legend">{}</p>"#, names.iter().enumerate().map(key).collect::<String>())
}

fn figure(drawn: Result<String, Fault>, title: &str, names: &[&str]) -> String {
    let body = match drawn {
        Ok(svg) => format!(r#"<div class="wide">{}</div>"#, inline(&svg, title)),
        Err(fault) => format!("<p>The plot could not be drawn: {}</p>", escape(fault)),
    };
    let legend = if names.len() > 1 { legend(names) } else { String::new() };
    format!("<figure><figcaption>{}</figcaption>{legend}{body}</figure>", escape(title))
}

/// Lines over time, as a figure with a legend. `lines` has at most [`LINES_MAX`]; x is in epoch milliseconds.
pub(super) fn over_time(plot: &Plot<'_>, lines: &[Line]) -> String {
    let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
    figure(draw_over_time(plot, lines), plot.title, &names)
}

fn draw_over_time(plot: &Plot<'_>, lines: &[Line]) -> Result<String, Fault> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let first = points().map(|point| point.0).fold(f64::INFINITY, f64::min);
    let last = points().map(|point| point.0).fold(f64::NEG_INFINITY, f64::max);
    let x = if first < last { (first, last) } else { range(points().map(|point| point.0), None) };
    let y = range(points().map(|point| point.1), plot.includes);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        let mut frame = frame(&root, (x, y))?;
        mesh(&mut frame, &|at| date(at, x.1 - x.0), plot.value)?;
        for (line, colour) in lines.iter().zip(PALETTE) {
            frame.draw_series(LineSeries::new(line.points.iter().copied(), colour.stroke_width(1)))?;
        }
        root.present()?;
    }
    Ok(svg)
}

/// A distribution: `edges` has one more than there are heights. `colour` is a place in the palette.
pub(super) fn distribution(plot: &Plot<'_>, edges: &[f64], heights: &[f64], colour: usize) -> String {
    figure(draw_distribution(plot, edges, heights, PALETTE[colour % LINES_MAX]), plot.title, &[])
}

fn draw_distribution(plot: &Plot<'_>, edges: &[f64], heights: &[f64], colour: RGBColor) -> Result<String, Fault> {
    let x = match edges {
        [first, .., last] => (*first, *last),
        _ => (0.0, 1.0),
    };
    let y = (0.0, range(heights.iter().copied(), Some(1.0)).1);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        let mut frame = frame(&root, (x, y))?;
        mesh(&mut frame, plot.value, &|value| format!("{value:.0}"))?;
        let bars = edges.windows(2).zip(heights).filter(|(_, height)| **height > 0.0).map(|(edge, height)| {
            let room = (edge[1] - edge[0]) * 0.05;
            Rectangle::new([(edge[0] + room, 0.0), (edge[1] - room, *height)], colour.filled())
        });
        frame.draw_series(bars)?;
        root.present()?;
    }
    Ok(svg)
}
