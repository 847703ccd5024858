# limma's tables for a small matrix of its own: Rscript tests/oracles/limma_trend.R tests/oracles
# R 4.2.2, limma 3.54.1. Writes limma_trend_expression.tsv.gz and limma_trend_tables.tsv.gz into the folder given.
suppressMessages(library(limma))
folder <- commandArgs(trailingOnly = TRUE)[1]

# 300 genes x 14 samples of three groups; the standard deviation falls with the mean. Two genes do not vary within groups.
set.seed(14)
group <- rep(c("a", "b", "c"), c(6, 5, 3))
level <- runif(300, 1, 14)
deviation <- 2 * exp(-level / 4) * sqrt(5 / rchisq(300, 5))
expression <- level + deviation * matrix(rnorm(300 * 14), 300)
expression[21:50, group == "a"] <- expression[21:50, group == "a"] + 1
expression[1, ] <- ifelse(group == "a", 4, 6)
expression[2, ] <- ifelse(group == "a", 9, 8.5)
expression <- round(expression, 4)
dimnames(expression) <- list(sprintf("g%03d", 1:300), paste0(group, 1:14))

write_gz <- function(table, name) {
  file <- gzfile(file.path(folder, name), "w", compression = 9)
  write.table(table, file, sep = "\t", quote = FALSE, row.names = FALSE)
  close(file)
}

# A row for each gene: the first group against the others in `columns` (`against`: in the model of all groups, that one).
table_of <- function(case, against = "rest", columns = 1:14, genes = 1:300, trend = TRUE) {
  y <- expression[genes, columns]
  of <- factor(if (against == "rest") ifelse(group[columns] == "a", "a", "rest") else group[columns])
  design <- model.matrix(~ 0 + of)
  colnames(design) <- levels(of)
  contrast <- makeContrasts(contrasts = paste0("a-", against), levels = design)
  fit <- eBayes(contrasts.fit(lmFit(y, design), contrast), trend = trend)
  table <- topTable(fit, number = Inf, sort.by = "none")
  columns <- cbind(table[c("logFC", "AveExpr", "t", "P.Value", "adj.P.Val")], df_total = fit$df.total)
  data.frame(case = case, gene = rownames(y), lapply(columns, signif, 13), df_prior = signif(fit$df.prior, 13))
}

# Genes on the trend itself: their variances scatter less than chance would have it, and the prior is infinite.
fit <- eBayes(lmFit(expression, model.matrix(~ (group == "a"))), trend = TRUE)
on_trend <- sort(order(abs(log(fit$sigma^2 / fit$s2.prior)))[1:40])

write_gz(data.frame(gene = rownames(expression), expression), "limma_trend_expression.tsv.gz")
write_gz(rbind(
  table_of("rest"),
  table_of("rest, no trend", trend = FALSE),
  table_of("b", against = "b"),
  table_of("c", against = "c", genes = 1:100),
  table_of("four samples", columns = c(1:2, 7:8), genes = 1:100),
  table_of("three samples", columns = c(1:2, 7), genes = 3:60),
  table_of("29 genes", genes = 2:30),
  table_of("30 genes", genes = 2:31),
  table_of("6 genes", genes = c(1, 5:9)),
  table_of("5 genes", genes = c(1, 5:8)),
  table_of("on the trend", genes = on_trend)
), "limma_trend_tables.tsv.gz")
