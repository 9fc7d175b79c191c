// The world map: loaded when it is first opened, for MapLibre is larger than all the rest.

import type { Map as GlMap } from "maplibre-gl";
import maplibre from "maplibre-gl/dist/maplibre-gl-csp.js";
import worker from "maplibre-gl/dist/maplibre-gl-csp-worker.js?url";
import "maplibre-gl/dist/maplibre-gl.css";
import type { MapView } from "./api";

const EDGE = 85.05;

export interface World {
  map: GlMap;
  bounds(): [number, number, number, number];
  show(url: string, view: MapView): void;
  mark(lat: number, lon: number): void;
}

export function openWorld(
  container: HTMLElement,
  features: Record<string, boolean>,
  clicked: (lat: number, lon: number) => void,
): Promise<World> {
  maplibre.setWorkerUrl(worker);
  const own = (path: string): string => location.origin + path;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const map = new maplibre.Map({
    container,
    center: [5, 35],
    zoom: 1,
    minZoom: 0,
    maxZoom: 12,
    attributionControl: { compact: true },
    dragRotate: false,
    style: {
      version: 8,
      sources: {
        ...(features["earth"] && {
          earth: {
            type: "raster",
            tiles: [own("/api/world/{z}/{x}/{y}.jpg")],
            tileSize: 256,
            maxzoom: 4,
            attribution: "Blue Marble: NASA Earth Observatory",
          },
        }),
        ...(features["coast"] && {
          coast: { type: "geojson", data: own("/api/world/coast.json"), attribution: "Coast: Natural Earth" },
        }),
      },
      layers: [
        { id: "ground", type: "background", paint: { "background-color": dark ? "#18262c" : "#c9d9de" } },
        ...(features["earth"] ? [{ id: "earth", type: "raster", source: "earth" }] : []),
        ...(features["coast"]
          ? [{ id: "coast", type: "line", source: "coast", paint: { "line-color": "#ffffff", "line-width": 0.8, "line-opacity": 0.75 } }]
          : []),
      ],
    },
  } as ConstructorParameters<typeof GlMap>[0]) as GlMap;
  map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
  map.getCanvas().setAttribute("aria-label", "World map: arrow keys move it, plus and minus zoom");
  let pin: { remove(): void } | null = null;
  const world: World = {
    map,
    bounds() {
      const b = map.getBounds();
      const clip = (v: number, most: number): number => Math.max(-most, Math.min(most, v));
      return [clip(b.getWest(), 180), clip(b.getSouth(), EDGE - 0.05), clip(b.getEast(), 180), clip(b.getNorth(), EDGE - 0.05)];
    },
    show(url, view) {
      const [w, s, e, n] = view.drawn_bounds as [number, number, number, number];
      if (map.getLayer("sounds")) map.removeLayer("sounds");
      if (map.getSource("sounds")) map.removeSource("sounds");
      map.addSource("sounds", { type: "image", url: own(url), coordinates: [[w, n], [e, n], [e, s], [w, s]] });
      map.addLayer(
        { id: "sounds", type: "raster", source: "sounds", paint: { "raster-opacity": 0.85, "raster-resampling": "nearest", "raster-fade-duration": 0 } },
        map.getLayer("coast") ? "coast" : undefined,
      );
      map.fitBounds([[w, s], [e, n]], { padding: 20, animate: false });
    },
    mark(lat, lon) {
      pin?.remove();
      pin = new maplibre.Marker({ color: "#d55e00" }).setLngLat([lon, lat]).addTo(map);
    },
  };
  map.on("click", (event: { lngLat: { wrap(): { lat: number; lng: number } } }) => {
    const at = event.lngLat.wrap();
    clicked(at.lat, at.lng);
  });
  return new Promise((resolve) => {
    map.once("load", () => resolve(world));
  });
}
