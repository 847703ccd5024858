# Seconds of limma for a table of genes x samples and a file of the samples' groups, each group against the rest:
# Rscript benchmarks/limma.R expression.tsv groups.txt 5. Reading is not counted; of the runs, here 5, the quickest is.
suppressMessages(library(limma))
given <- commandArgs(trailingOnly = TRUE)
expression <- as.matrix(read.delim(given[1], row.names = 1, check.names = FALSE))
groups <- readLines(given[2])

markers <- function() {
  lapply(unique(groups), function(group) {
    design <- model.matrix(~ (groups == group))
    topTable(eBayes(lmFit(expression, design)), coef = 2, number = Inf)
  })
}
cat(min(replicate(as.integer(given[3]), system.time(markers())[["elapsed"]])))
