// Where the stations of the map stand: across on a wide screen, down on a narrow one. The way goes out along the stations,
// turns where the journey turned, and comes back.
import { places } from '../../path/stations';

export interface Geometry {
  width: number;
  height: number;
  tall: boolean;
  at: (i: number) => { x: number; y: number };
  way: (stop: number) => string; // of a journey that turned at that station
  rail: string;
}

const n = places.length;

export const wide: Geometry = {
  width: 1020,
  height: 214,
  tall: false,
  at: (i) => ({ x: 132 + i * 90, y: 74 }),
  way(stop) {
    const x = this.at(stop).x;
    return `M64 74H${x}C${x + 66} 74 ${x + 66} 172 ${x} 172H64`;
  },
  rail: `M64 74H${132 + (n - 1) * 90}`,
};

export const tall: Geometry = {
  width: 340,
  height: 116 + n * 50,
  tall: true,
  at: (i) => ({ x: 84, y: 104 + i * 50 }),
  way(stop) {
    const y = this.at(stop).y;
    return `M84 56V${y}C84 ${y + 52} 28 ${y + 52} 28 ${y}V56`;
  },
  rail: `M84 56V${104 + (n - 1) * 50}`,
};
