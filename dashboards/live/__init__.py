"""The built-in live page: every station's last value with its age and state, and charts, from any store.

The pure part: `states`, `board`, `window`, `display`, `zones`, `charts`. The edges: `poller` (store and registry), `hub`
(browsers), `site` (HTTP), `app` (composition root). The page itself stands in `static/`, plain JavaScript modules.
"""
