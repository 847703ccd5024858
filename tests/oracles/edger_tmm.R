# edgeR's TMM factors and voom's log2 counts per million of made-up counts: Rscript tests/oracles/edger_tmm.R tests/oracles
# R 4.2.2, edgeR 3.40.2, limma 3.54.1. Writes edger_tmm_{set}.tsv.gz (counts, genes x samples), edger_tmm_factors.tsv and
# edger_tmm_voom.tsv.gz (of the set bulk) into the folder given.
suppressMessages(library(edgeR))
folder <- commandArgs(trailingOnly = TRUE)[1]
set.seed(1)

# Negative binomial; a twentieth of the genes takes eight times as many reads in a third of the samples.
draw <- function(genes, samples, mean, size, depth, zero = 0) {
  expected <- outer(exp(rnorm(genes, mean, 1.6)), depth)
  up <- list(seq_len(ceiling(genes / 20)), seq_len(samples %/% 3))
  expected[up[[1]], up[[2]]] <- expected[up[[1]], up[[2]]] * 8
  counts <- matrix(rnbinom(genes * samples, mu = expected, size = size), genes)
  counts[runif(genes * samples) < zero] <- 0
  dimnames(counts) <- list(sprintf("g%04d", seq_len(genes)), paste0("s", seq_len(samples)))
  counts
}

write_gz <- function(table, name) {
  file <- gzfile(file.path(folder, name), "w", compression = 9)
  write.table(table, file, sep = "\t", quote = FALSE, row.names = FALSE)
  close(file)
}

bulk <- draw(200, 12, 4, 5, exp(rnorm(12, 0, 0.6)))
bulk[200, ] <- 0
sets <- list(
  bulk = bulk,
  fractions = round(bulk[, 1:6] * matrix(runif(200 * 6, 0.5, 1), 200), 2), # as RSEM's expected counts
  sparse = draw(600, 9, 1, 1, exp(rnorm(9, 0, 0.8)), zero = 0.5),
  zeros = draw(2000, 7, -1.2, 1, exp(rnorm(7, 0, 0.3)), zero = 0.65) # upper quartiles of 0
)
factors <- list()
for (name in names(sets)) {
  counts <- sets[[name]]
  write_gz(data.frame(gene = rownames(counts), counts), paste0("edger_tmm_", name, ".tsv.gz"))
  scaled <- calcNormFactors(DGEList(counts))$samples
  factors[[name]] <- data.frame(set = name, sample = rownames(scaled), factor = signif(scaled$norm.factors, 13))
}
write.table(do.call(rbind, factors), file.path(folder, "edger_tmm_factors.tsv"),
  sep = "\t", quote = FALSE, row.names = FALSE)
write_gz(data.frame(gene = rownames(bulk), signif(voom(calcNormFactors(DGEList(bulk)))$E, 12)), "edger_tmm_voom.tsv.gz")
