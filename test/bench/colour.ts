// How far apart two colours look, also to those who are colour-blind: Machado, Oliveira and Fernandes 2009
// (full severity), and distances in OKLab, in which 0.02 is about the least that can be seen.

export const SIGHTS = ['usual', 'protanopia', 'deuteranopia', 'tritanopia'] as const
type Sight = (typeof SIGHTS)[number]
type Triple = readonly [number, number, number]

const SEEN: Readonly<Record<Sight, readonly [Triple, Triple, Triple]>> = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
}

/** WCAG 2: from 1 to 21. */
export function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(linear(a)), luminance(linear(b))].toSorted((x, y) => x - y)
  return (high + 0.05) / (low + 0.05)
}

export function difference(a: string, b: string, sight: Sight): number {
  const [p, q] = [labOf(a, sight), labOf(b, sight)]
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2])
}

function linear(hex: string): Triple {
  const channel = (at: number) => {
    const value =
      Number.parseInt(hex.length < 7 ? hex[(at + 1) / 2]!.repeat(2) : hex.slice(at, at + 2), 16) /
      255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return [channel(1), channel(3), channel(5)]
}

function luminance([r, g, b]: Triple): number {
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function labOf(hex: string, sight: Sight): Triple {
  const colour = linear(hex)
  const [r, g, b] = SEEN[sight].map((row) =>
    Math.min(1, Math.max(0, row[0] * colour[0] + row[1] * colour[1] + row[2] * colour[2])),
  ) as unknown as Triple
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}
