"""The answers of a review: rows in, protected facts and sentences out."""
