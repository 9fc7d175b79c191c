import { defineConfig } from "vite";

// The page is carried in the wheel as package data, and served by `earwitness serve` alone.
export default defineConfig({
  build: {
    outDir: "../src/earwitness/web/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the page's policy lets no script or worker be inline
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8765" } },
});
