/** test: sums in single precision as NumPy makes them, whose error other sums are measured by. */

/** Rounding errors in a term's way into the sum, in units of 2^-24, at most: eight sums over blocks of 128, three additions to join
 *  them, and one for each time that blocks are joined in pairs.  numpy/_core/src/umath/loops_utils.h.src; Higham, "Accuracy
 *  and Stability of Numerical Algorithms", 4.2. */
export const pairwiseRoundings = (terms: number): number =>
  terms < 128 ? Math.ceil(terms / 8) + 3 : 16 + 3 + Math.ceil(Math.log2(terms / 128))

/** The largest error of such a sum where the sizes of its terms add up to `size`. */
export const pairwiseError = (terms: number, size: number): number =>
  2 ** -24 * pairwiseRoundings(terms) * size
