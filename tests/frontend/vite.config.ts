import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The frontend of the plain scenario: a port of its own, and a failure when it is taken.
export default defineConfig({
  plugins: [react()],
  server: { host: "127.0.0.1", port: 3000, strictPort: true },
});
