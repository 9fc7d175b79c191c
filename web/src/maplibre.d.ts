declare module "maplibre-gl/dist/maplibre-gl-csp.js" {
  import type * as maplibre from "maplibre-gl";
  const whole: typeof maplibre & { setWorkerUrl(url: string): void };
  export default whole;
}
