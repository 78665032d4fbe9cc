"""The one visual language: what each colour means, fonts and sizes. Everything drawn takes them from here.

The colours are Okabe and Ito's, which people with any common colour-vision deficiency can tell apart; shape,
label or position always says the same thing again. Text and lines follow JupyterLab's light or dark theme.
"""

# One colour a role.
MAIN = "#0072B2"  # F, the main path
SHORTCUT = "#C47900"  # x or G(x), the shortcut; darker than Okabe and Ito's orange, to be read on white
SUM = "#009E73"  # the sum and what follows it
COST = "#B3569C"  # parameters and MACs
ERROR = "#D55E00"  # shapes that disagree

# The theme's own colours, with what they are in the light theme for places without a theme.
TEXT = "var(--jp-ui-font-color1, #212121)"
QUIET = "var(--jp-ui-font-color2, #616161)"
PAPER = "var(--jp-layout-color0, #ffffff)"
TINT = "var(--jp-layout-color2, #eeeeee)"

FONT = "var(--jp-ui-font-family, system-ui, sans-serif)"
SMALL, NORMAL, LARGE = 12, 13, 16  # px

# Colour maps: values without and with negatives. Both are ordered in lightness, so they read in grey as well.
SEQUENTIAL = "viridis"
DIVERGING = "RdBu_r"

# Rules for what widgets show; one <style> element a view.
CSS = f"""<style>
.rl {{ font-family: {FONT}; font-size: {NORMAL}px; color: {TEXT}; line-height: 1.35; }}
.rl p {{ margin: 0 0 4px 0; }}
.rl .quiet {{ color: {QUIET}; font-size: {SMALL}px; }}
.rl .big {{ font-size: {LARGE}px; }}
.rl .error {{ border-left: 5px solid {ERROR}; padding: 4px 10px; }}
.rl table {{ border-collapse: collapse; font-size: {SMALL}px; font-variant-numeric: tabular-nums; }}
.rl th, .rl td {{ padding: 1px 8px 1px 0; text-align: right; white-space: nowrap; }}
.rl th:first-child, .rl td:first-child {{ text-align: left; }}
.rl thead th, .rl thead td {{ border-bottom: 1px solid {QUIET}; font-weight: 600; }}
.rl tr.total td {{ border-top: 1px solid {QUIET}; font-weight: 600; }}
.rl svg text {{ font-family: {FONT}; fill: {TEXT}; }}
.rl tr.marked td {{ font-weight: 700; background: {TINT}; }}
.rl-maps img, img.rl-maps {{ image-rendering: pixelated; width: 100%; max-width: 560px; height: auto; }}
.rl-explorer .widget-box {{ overflow: visible; max-width: 100%; min-width: 0; }}
.rl-explorer .widget-text {{ max-width: calc(100% - 4px); }}
.rl-narrow .widget-readout {{ min-width: 40px; width: 40px; }}
.rl-stages {{ container-type: inline-size; }}
.rl-turns {{ display: none; }}
.rl-turns .rl div {{ line-height: 28px; text-align: right; white-space: nowrap; }}
.rl-turns .rl div:first-child, .rl-stages b {{ line-height: 20px; }}
@container (min-width: 700px) {{
  .rl-turns {{ display: block; }}
  .rl-unnamed .widget-label {{ display: none; }}
}}
</style>"""
