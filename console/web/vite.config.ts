import { defineConfig } from 'vite';

// While you work on the pages: `roundtrip dev` serves the API, Vite serves the pages and passes /api on. The console sees
// the requests as those of its own pages.
const api = 'http://127.0.0.1:9443';

export default defineConfig({
  build: { target: 'es2023', cssTarget: 'chrome123', assetsInlineLimit: 0, modulePreload: { polyfill: false }, rolldownOptions: { checks: { pluginTimings: false } } }, // nothing inline: the console's CSP allows none
  server: { proxy: { '/api': { target: api, headers: { Host: new URL(api).host, Origin: api } } } },
});
