import { defineConfig } from 'vite';

// While you work on the page: `roundtrip dev` serves the API, Vite serves the page and passes /api on. The API sees the
// requests as those of its own page.
const api = 'https://gallery.localhost:8443';

export default defineConfig({
  resolve: {
    alias: { '@roundtrip/client': '/client/src/index.ts' }, // its sources: one build for both
    preserveSymlinks: true,
  },
  build: { target: 'es2023', cssTarget: 'chrome123', assetsInlineLimit: 0 }, // nothing inline: fits a strict CSP
  server: {
    proxy: {
      '/api': {
        target: 'https://127.0.0.1:8443',
        secure: false, // the certificate is of the local authority
        ws: true,
        headers: { Host: new URL(api).host, Origin: api },
      },
    },
  },
});
